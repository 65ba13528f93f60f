using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Billing;

/// <summary>What a tenant has used of its plans, up to date at the cost of reading the hours that changed. Thread safe.</summary>
internal sealed class AccountMeter
{
    private readonly Lock _gate = new();
    private readonly Lock _touchGate = new();
    private readonly PlanMeter _meter = new();
    private ChangedHours _touched = ChangedHours.None;

    /// <summary>Notes that usage of an hour was stored.</summary>
    public void Touch(UsageHour hour)
    {
        lock (_touchGate)
        {
            _touched = _touched.With(hour);
        }
    }

    /// <summary>What is used by now.</summary>
    /// <exception cref="IOException">The ledger cannot be read; the next call tries again.</exception>
    public PlanUse Measure(Account account, Statements statements, DateTimeOffset now)
    {
        lock (_gate)
        {
            statements.Read(account.Tenant, _meter.Measure(account, TakeTouched(), now));
            return _meter.Use;
        }
    }

    private ChangedHours TakeTouched()
    {
        lock (_touchGate)
        {
            var touched = _touched;
            _touched = ChangedHours.None;
            return touched;
        }
    }
}

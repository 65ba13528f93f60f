using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Grains.Billing;

/// <summary>Tells what a tenant may have no more of until it was heard, without holding up the account: its tenant's grain, which is
/// told, may be waiting for the account itself. Not thread safe; used within one grain.</summary>
internal sealed class ExhaustedTelling(ITenantGrain tenant, ILogger logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private Task _telling = Task.CompletedTask;
    private ExhaustedQuota? _told;
    private bool _isOver;

    /// <summary>The newest decision; null: none was made yet.</summary>
    public ExhaustedQuota? Decided { get; private set; }

    /// <summary>Tells a decision where it is another than was told before.</summary>
    public void Decide(ExhaustedQuota exhausted)
    {
        if (Decided != exhausted)
        {
            logger.QuotaChanged(tenant.GetPrimaryKeyString(), exhausted);
        }

        Decided = exhausted;
        if (_told != exhausted && _telling.IsCompleted)
        {
            _telling = TellAsync();
        }
    }

    /// <summary>Notes that somebody has got a decision as an answer.</summary>
    public void NoteTold(ExhaustedQuota exhausted) => Decided = _told = exhausted;

    /// <summary>Lets the next decision be told even if it is the same: who has it may have lost it.</summary>
    public void Forget() => _told = null;

    /// <summary>Tells nothing more.</summary>
    public void End() => _isOver = true;

    private async Task TellAsync()
    {
        while (!_isOver && Decided is { } exhausted && _told != exhausted)
        {
            try
            {
                await tenant.SetExhaustedAsync(exhausted);
                _told = exhausted;
            }
            catch (Exception failure)
            {
                logger.QuotaNotTold(failure, tenant.GetPrimaryKeyString());
                await Task.Delay(RetryAfter);
            }
        }
    }
}

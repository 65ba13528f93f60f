using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Billing;

/// <summary>The account of one tenant as it changes. Reading is thread safe; it is replaced in turns of the change queue.</summary>
internal sealed class TenantAccount
{
    private volatile Account _account;
    private volatile ExhaustedQuota _exhausted;

    public TenantAccount(Account account) => _account = account;

    public string Tenant => _account.Tenant;

    public Account Account
    {
        get => _account;
        set => _account = value;
    }

    /// <summary>What the relay is told.</summary>
    public ExhaustedQuota Exhausted
    {
        get => _exhausted;
        set => _exhausted = value;
    }

    public AccountMeter Meter { get; } = new();
}

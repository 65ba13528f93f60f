namespace OrleansEdge.Model;

/// <summary>What the relay needs of a domain, compiled once from the documents of the domain and its tenant. Immutable; replaced whole.</summary>
public sealed class DomainSnapshot
{
    /// <summary>Compiles a snapshot.</summary>
    /// <param name="config">A valid document.</param>
    /// <param name="version">Version of the domain's document, from 1.</param>
    /// <param name="tenantBlocked">Whether the tenant is blocked.</param>
    /// <param name="exhausted">Kinds of traffic that the tenant has used up.</param>
    public DomainSnapshot(DomainConfig config, long version, bool tenantBlocked, ExhaustedQuota exhausted = ExhaustedQuota.None)
    {
        Config = config;
        Version = version;
        TenantBlocked = tenantBlocked;
        Exhausted = exhausted;
        Access = AccessRules.Compile(config.Access);
    }

    /// <summary>The document.</summary>
    public DomainConfig Config { get; }

    /// <summary>The document's name, which may be a wildcard.</summary>
    public string Domain => Config.Domain;

    /// <summary>The tenant who is billed.</summary>
    public string Tenant => Config.Tenant;

    /// <summary>Version of the domain's document.</summary>
    public long Version { get; }

    /// <summary>Whether the tenant is blocked.</summary>
    public bool TenantBlocked { get; }

    /// <summary>Kinds of traffic whose prepaid bytes are used up while the tenant has no pay-as-you-go.</summary>
    public ExhaustedQuota Exhausted { get; }

    /// <summary>The compiled access rules.</summary>
    public AccessRules Access { get; }
}

/// <summary>Kinds of traffic that a tenant may have no more of.</summary>
[Flags]
public enum ExhaustedQuota
{
    /// <summary>None: all kinds are let through.</summary>
    None = 0,

    /// <summary>WebSockets.</summary>
    Websocket = 1,

    /// <summary>Other HTTP requests.</summary>
    Http = 2,
}

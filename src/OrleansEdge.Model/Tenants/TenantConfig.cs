using System.Collections.Immutable;

namespace OrleansEdge.Model;

/// <summary>A tenant: who owns domains and is billed for their traffic. Immutable.</summary>
public sealed record TenantConfig
{
    /// <summary>Id: 1–64 of <c>a–z 0–9 - _</c>, beginning with a letter or digit.</summary>
    public required string Tenant { get; init; }

    /// <summary>Name for people. Default: the id.</summary>
    public required string Name { get; init; }

    /// <summary>Whether all traffic of the tenant's domains is refused. Default false.</summary>
    public bool Blocked { get; init; }

    /// <summary>Whether and at what price traffic beyond the plans is billed.</summary>
    public PayAsYouGoConfig PayAsYouGo { get; init; } = new();

    /// <summary>When the tenant is told about its usage.</summary>
    public AlertsConfig Alerts { get; init; } = new();
}

/// <summary>Billing of traffic that no prepaid plan covers.</summary>
public sealed record PayAsYouGoConfig
{
    /// <summary>Off: traffic beyond the plans is refused. Default on.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>ISO 4217 code. Default USD.</summary>
    public string Currency { get; init; } = "USD";

    /// <summary>Price of 10^9 bytes.</summary>
    public PricePerGB PricePerGB { get; init; } = new();
}

/// <summary>Prices of 10^9 bytes by kind of traffic, decimal strings in JSON.</summary>
public sealed record PricePerGB
{
    /// <summary>WebSocket traffic. Default 0.</summary>
    public decimal Websocket { get; init; }

    /// <summary>Other HTTP traffic. Default 0.</summary>
    public decimal Http { get; init; }
}

/// <summary>Usage alerts of a tenant.</summary>
public sealed record AlertsConfig
{
    /// <summary>Per cent of the prepaid traffic, each 1–100, rising.</summary>
    public ImmutableArray<int> Thresholds { get; init; } = [];

    /// <summary>An <c>http</c> or <c>https</c> URL that is told; <see langword="null"/> (default): nobody.</summary>
    public string? Webhook { get; init; }

    /// <summary>Whether the other alerts are the same, threshold by threshold.</summary>
    public bool Equals(AlertsConfig? other)
        => other is not null && Webhook == other.Webhook && Thresholds.AsSpan().SequenceEqual(other.Thresholds.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Webhook, Thresholds.Length);
}

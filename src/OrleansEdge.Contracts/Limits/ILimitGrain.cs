using OrleansEdge.Model;

namespace OrleansEdge.Contracts;

/// <summary>The limits of a domain, shared out among gateways; the key is the domain's name.</summary>
[Alias("OrleansEdge.ILimitGrain")]
public interface ILimitGrain : IGrainWithStringKey
{
    /// <summary>Renews a gateway's lease. What is granted is stored before it is answered.</summary>
    [Alias("Renew")]
    Task<LimitGrantWire> RenewAsync(LimitAskWire ask);

    /// <summary>Ends a gateway's lease.</summary>
    [Alias("End")]
    Task EndAsync(Guid gateway);
}

/// <summary>See <see cref="LimitAsk"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.LimitAskWire")]
public sealed record LimitAskWire(
    [property: Id(0)] Guid Gateway,
    [property: Id(1)] int Used,
    [property: Id(2)] int Wanted,
    [property: Id(3)] int MaxConnections,
    [property: Id(4)] int HandshakesPerSecond)
{
    /// <summary>See <see cref="LimitAsk.Number"/>.</summary>
    [Id(5)]
    public long Number { get; init; }

    /// <summary>As the rule has it.</summary>
    public LimitAsk ToAsk() => new(Gateway, Used, Wanted, MaxConnections, HandshakesPerSecond) { Number = Number };
}

/// <summary>See <see cref="LimitGrant"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.LimitGrantWire")]
public sealed record LimitGrantWire([property: Id(0)] int Granted, [property: Id(1)] bool IsScarce, [property: Id(2)] double HandshakesPerSecond);

namespace OrleansEdge.Model;

/// <summary>How the limit of a domain is shared out among gateways. Each holds a lease on a part of it and counts for itself within
/// that. A lease that is not renewed ends, so that a gateway that is gone takes nothing with it; one that is only cut off keeps what it
/// has, so that the count may exceed the limit by at most that. Rules only: no clock, no I/O. Not thread safe.</summary>
public sealed class LimitShares
{
    /// <summary>How long a lease lasts that is not renewed.</summary>
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(15);

    /// <summary>How long after a limit was set, or was another, nobody gets places in reserve: gateways are about to tell what they have
    /// open already.</summary>
    public static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(2);

    // With fewer places for each gateway than that, a part in reserve would lie idle where another needs it.
    private const int ScarceBelow = 4;

    private readonly Dictionary<Guid, Lease> _leases = [];
    private long _places;
    private int _withRate;
    private int _maxConnections;
    private DateTimeOffset _settledAt;

    // No lease ends before.
    private DateTimeOffset _firstEnd = DateTimeOffset.MaxValue;

    /// <summary>Places that each gateway holds.</summary>
    public IReadOnlyDictionary<Guid, int> Granted => _leases.ToDictionary(static lease => lease.Key, static lease => lease.Value.Granted);

    /// <summary>Whether that is another than when <see cref="NoteStored"/> was last called.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>Takes what was stored; every lease gets its time anew.</summary>
    public void Restore(IReadOnlyDictionary<Guid, int> granted, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(granted);
        foreach (var (gateway, places) in granted)
        {
            Set(gateway, new(places, now + LeaseTime, HasRate: false, Number: 0));
        }

        HasChanged = false;
    }

    /// <summary>Renews the lease of a gateway, with more or fewer places. The cost does not depend on the number of gateways.</summary>
    /// <param name="ask">What it has and wants.</param>
    /// <param name="now">When.</param>
    /// <returns>What it has from now on; never less than it uses.</returns>
    public LimitGrant Renew(LimitAsk ask, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(ask);
        EndOverdue(ask.Gateway, now);
        var held = _leases.GetValueOrDefault(ask.Gateway);
        if (held is not null && ask.Number < held.Number)
        {
            return new(held.Granted, IsScarce: true, RateOf(ask));
        }

        NoteLimit(ask.MaxConnections, now);
        var gateways = held is null ? _leases.Count + 1 : _leases.Count;
        var free = Math.Max(0, ask.MaxConnections - (_places - (held?.Granted ?? 0)));
        var isScarce = ask.MaxConnections < (long)ScarceBelow * gateways;
        var wanted = (long)ask.Used + ask.Wanted;
        var reserve = isScarce || now < _settledAt ? 0 : Math.Max(0, free - wanted) / (2 * gateways);
        var granted = ask.MaxConnections == 0 ? 0 : (int)Math.Max(ask.Used, Math.Min(wanted + reserve, free));
        Set(ask.Gateway, new(granted, now + LeaseTime, ask.HandshakesPerSecond > 0, ask.Number));
        return new(granted, isScarce || reserve == 0, RateOf(ask));
    }

    /// <summary>Ends the lease of a gateway.</summary>
    public void End(Guid gateway)
    {
        if (_leases.Remove(gateway, out var lease))
        {
            Count(lease, -1);
            HasChanged = true;
        }
    }

    /// <summary>Notes that what gateways hold is stored.</summary>
    public void NoteStored() => HasChanged = false;

    private double RateOf(LimitAsk ask) => ask.HandshakesPerSecond / (double)Math.Max(1, _withRate);

    private void NoteLimit(int maxConnections, DateTimeOffset now)
    {
        if (_maxConnections != maxConnections)
        {
            (_maxConnections, _settledAt) = (maxConnections, now + SettleTime);
        }
    }

    private void EndOverdue(Guid except, DateTimeOffset now)
    {
        if (now < _firstEnd)
        {
            return;
        }

        foreach (var (gateway, _) in _leases.Where(lease => lease.Value.ExpiresAt <= now && lease.Key != except).ToList())
        {
            End(gateway);
        }

        _firstEnd = _leases.Values.Select(static lease => lease.ExpiresAt).DefaultIfEmpty(DateTimeOffset.MaxValue).Min();
    }

    private void Set(Guid gateway, Lease lease)
    {
        var before = _leases.GetValueOrDefault(gateway);
        if (before is not null)
        {
            Count(before, -1);
        }

        _leases[gateway] = lease;
        Count(lease, 1);
        HasChanged |= before?.Granted != lease.Granted;
        _firstEnd = lease.ExpiresAt < _firstEnd ? lease.ExpiresAt : _firstEnd;
    }

    private void Count(Lease lease, int sign)
    {
        _places += sign * (long)lease.Granted;
        _withRate += lease.HasRate ? sign : 0;
    }

    private sealed record Lease(int Granted, DateTimeOffset ExpiresAt, bool HasRate, long Number);
}

/// <summary>What a gateway has of a domain's limit, and wants.</summary>
/// <param name="Gateway">Which process.</param>
/// <param name="Used">Connections that it has.</param>
/// <param name="Wanted">How many more it has a use for now; 0: it only renews.</param>
/// <param name="MaxConnections">The limit; 0: there is none.</param>
/// <param name="HandshakesPerSecond">The other limit; 0: there is none.</param>
public sealed record LimitAsk(Guid Gateway, int Used, int Wanted, int MaxConnections, int HandshakesPerSecond)
{
    /// <summary>Rises with every ask of a gateway. One that arrives after a later one changes nothing and is answered with what is held.</summary>
    public long Number { get; init; }
}

/// <summary>What a gateway may use.</summary>
/// <param name="Granted">Connections, those that it has included.</param>
/// <param name="IsScarce">Whether places that become free are to be returned at once.</param>
/// <param name="HandshakesPerSecond">Handshakes a second.</param>
public sealed record LimitGrant(int Granted, bool IsScarce, double HandshakesPerSecond);

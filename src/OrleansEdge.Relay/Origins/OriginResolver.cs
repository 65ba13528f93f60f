using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace OrleansEdge.Relay.Origins;

/// <summary>Resolves the names of origins by the system's resolver. Thread safe; bounded.</summary>
/// <remarks>The system's interface tells no time to live, so an answer is kept for 1 s, which no record's own time undercuts in
/// practice. Those who ask for a name while it is being looked up share that look-up; failures are not kept.</remarks>
internal sealed class OriginResolver
{
    /// <summary>How long an answer is used.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    private const int MostNames = 4096;

    private readonly TimeProvider _time;
    private readonly Func<string, Task<IPAddress[]>> _lookUp;
    private readonly ConcurrentDictionary<string, Lazy<LookUp>> _lookUps = new(StringComparer.Ordinal);

    public OriginResolver(TimeProvider time, Func<string, Task<IPAddress[]>>? lookUp = null)
    {
        _time = time;
        _lookUp = lookUp ?? Dns.GetHostAddressesAsync;
    }

    /// <summary>The addresses of a name, families interleaved beginning with the one that the system prefers (RFC 8305 section 4).</summary>
    /// <exception cref="SocketException">The name has no address.</exception>
    public async ValueTask<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(name, out var literal))
        {
            return [literal];
        }
        var lookUp = Find(name);
        return await lookUp.Addresses.WaitAsync(cancellationToken);
    }

    /// <summary>Puts the addresses in the order of attempts.</summary>
    public static IPAddress[] Interleave(IPAddress[] addresses)
    {
        if (addresses.Length < 2)
        {
            return addresses;
        }
        var preferred = addresses[0].AddressFamily;
        var first = addresses.Where(address => address.AddressFamily == preferred).ToArray();
        var second = addresses.Where(address => address.AddressFamily != preferred).ToArray();
        var ordered = new List<IPAddress>(addresses.Length);
        for (var i = 0; i < Math.Max(first.Length, second.Length); i++)
        {
            ordered.AddRange(first.Skip(i).Take(1));
            ordered.AddRange(second.Skip(i).Take(1));
        }
        return [.. ordered];
    }

    private LookUp Find(string name)
    {
        if (_lookUps.TryGetValue(name, out var kept))
        {
            if (!IsOver(kept.Value))
            {
                return kept.Value;
            }
            _lookUps.TryRemove(new(name, kept));
        }
        if (_lookUps.Count >= MostNames)
        {
            Forget();
        }
        return _lookUps.GetOrAdd(name, _ => new Lazy<LookUp>(() => Begin(name))).Value;
    }

    private LookUp Begin(string name)
    {
        var lookUp = new LookUp();
        lookUp.Addresses = LookUpAsync(name, lookUp);
        return lookUp;
    }

    private async Task<IPAddress[]> LookUpAsync(string name, LookUp lookUp)
    {
        try
        {
            var addresses = Interleave(await _lookUp(name));
            return addresses.Length > 0 ? addresses : throw new SocketException((int)SocketError.NoData);
        }
        finally
        {
            lookUp.EndedAt = _time.GetTimestamp();
        }
    }

    private bool IsOver(LookUp lookUp) => lookUp.Addresses.IsCompleted
        && (!lookUp.Addresses.IsCompletedSuccessfully || _time.GetElapsedTime(lookUp.EndedAt) >= Lifetime);

    private void Forget()
    {
        foreach (var (name, lookUp) in _lookUps)
        {
            if (lookUp.IsValueCreated && IsOver(lookUp.Value))
            {
                _lookUps.TryRemove(new(name, lookUp));
            }
        }
    }

    private sealed class LookUp
    {
        public Task<IPAddress[]> Addresses { get; set; } = null!;

        public long EndedAt { get; set; }
    }
}

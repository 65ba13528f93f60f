using System.Net;
using Microsoft.Extensions.Options;

namespace OrleansEdge.Relay.Transport;

/// <summary>The proxies in front of the edge (<c>Edge:TrustedProxies</c>). Immutable, thread safe.</summary>
public sealed class TrustedProxies
{
    private readonly IPNetwork[] _networks;

    /// <summary>Takes the list from the settings.</summary>
    public TrustedProxies(IOptions<ClientAddressOptions> options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _networks = [.. options.Value.TrustedProxies.Select(item => TryParse(item, out var network)
            ? network
            : throw new ArgumentException($"'{item}' is neither an IP address nor a network.", nameof(options)))];
    }

    /// <summary>Whether the address is one of them. An IPv4 address in its IPv6-mapped form is compared as IPv4.</summary>
    public bool Contains(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        foreach (var network in _networks)
        {
            if (network.Contains(plain))
            {
                return true;
            }
        }

        return false;
    }

    internal static bool TryParse(string text, out IPNetwork network)
    {
        if (IPAddress.TryParse(text, out var address))
        {
            network = new IPNetwork(address, address.GetAddressBytes().Length * 8);
            return true;
        }

        var slash = text.LastIndexOf('/');
        if (slash > 0 && IPAddress.TryParse(text.AsSpan(0, slash), out address)
            && int.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None, null, out var length)
            && length <= address.GetAddressBytes().Length * 8)
        {
            network = Masked(address, length);
            return true;
        }

        network = default;
        return false;
    }

    // People write 10.1.2.3/8 and mean 10.0.0.0/8.
    private static IPNetwork Masked(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var bit = length; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPNetwork(new IPAddress(bytes), length);
    }
}

using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace OrleansEdge.Model;

/// <summary>A set of IP addresses and networks, compiled to sorted ranges. Immutable; looking up allocates nothing.</summary>
internal sealed class AddressSet
{
    private readonly Range[] _v4;
    private readonly Range[] _v6;

    private AddressSet(Range[] v4, Range[] v6)
    {
        _v4 = v4;
        _v6 = v6;
    }

    public bool IsEmpty => _v4.Length == 0 && _v6.Length == 0;

    public static AddressSet Compile(IEnumerable<string> entries)
    {
        var v4 = new List<Range>();
        var v6 = new List<Range>();
        foreach (var entry in entries)
        {
            if (TryParse(entry, out var isV4, out var range) is { } fault)
            {
                throw new ArgumentException(fault, nameof(entries));
            }

            (isV4 ? v4 : v6).Add(range);
        }

        return new(Merge(v4), Merge(v6));
    }

    /// <summary>Says what is wrong with an entry: an address, or an address, a slash and the length of a prefix.</summary>
    public static string? Validate(string entry) => TryParse(entry, out _, out _);

    public bool Contains(IPAddress address)
    {
        var isV4 = ToNumber(address, out var number);
        return Contains(isV4 ? _v4 : _v6, number);
    }

    private static bool Contains(Range[] ranges, UInt128 number)
    {
        var (low, high) = (0, ranges.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (number < ranges[middle].First)
            {
                high = middle - 1;
            }
            else if (number > ranges[middle].Last)
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    private static string? TryParse(string entry, out bool isV4, out Range range)
    {
        (isV4, range) = (false, default);
        var slash = entry.IndexOf('/', StringComparison.Ordinal);
        var text = slash < 0 ? entry : entry[..slash];
        if (text.StartsWith('[') || !DomainName.TryParseAddress(text, out var address))
        {
            return $"{DomainName.Quote(entry)} is neither an IP address nor a network such as 10.0.0.0/8";
        }

        var writtenBits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        isV4 = ToNumber(address, out var number);
        var bits = isV4 ? 32 : 128;
        var prefix = writtenBits;
        if (slash >= 0 && (!int.TryParse(entry.AsSpan(slash + 1), NumberStyles.None, null, out prefix) || prefix > writtenBits))
        {
            return $"{DomainName.Quote(entry)}: the length of the prefix is a whole number from 0 to {writtenBits}";
        }

        prefix -= writtenBits - bits;
        if (prefix < 0)
        {
            return $"{DomainName.Quote(entry)} holds IPv4 and IPv6 addresses: write the two networks";
        }

        range = RangeOf(number, prefix, bits);
        return null;
    }

    private static Range RangeOf(UInt128 number, int prefix, int bits)
    {
        var hostBits = bits - prefix;
        var host = hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1;
        return new(number & ~host, number | host);
    }

    private static bool ToNumber(IPAddress address, out UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        if (written == 16 && !address.IsIPv4MappedToIPv6)
        {
            number = BinaryPrimitives.ReadUInt128BigEndian(bytes);
            return false;
        }

        number = BinaryPrimitives.ReadUInt32BigEndian(bytes[(written - 4)..written]);
        return true;
    }

    private static Range[] Merge(List<Range> ranges)
    {
        ranges.Sort(static (a, b) => a.First.CompareTo(b.First));
        var merged = new List<Range>(ranges.Count);
        foreach (var range in ranges)
        {
            if (merged.Count > 0 && range.First <= merged[^1].Last)
            {
                merged[^1] = new(merged[^1].First, UInt128.Max(merged[^1].Last, range.Last));
            }
            else
            {
                merged.Add(range);
            }
        }

        return [.. merged];
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Range(UInt128 First, UInt128 Last);
}

using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace OrleansEdge.Relay.Transport;

/// <summary>Where the reading of a PROXY protocol header stands.</summary>
internal enum ProxyHeaderState
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>No bytes to come can make it a header.</summary>
    Invalid,

    /// <summary>The whole header is there.</summary>
    Complete,
}

/// <summary>A PROXY protocol header, versions 1 and 2 (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, sections 2.1
/// and 2.2). Type-length-values after the addresses are skipped.</summary>
/// <param name="Length">Bytes of the header.</param>
/// <param name="Source">The client, or null where the header names none that TCP knows (LOCAL, UNKNOWN, Unix sockets): the
/// connection's own peer is the client then.</param>
internal readonly record struct ProxyHeader(int Length, IPEndPoint? Source)
{
    private const int MaxLengthV1 = 107;
    private const int PrefixLengthV2 = 16;

    private static ReadOnlySpan<byte> PrefixV1 => "PROXY "u8;

    private static ReadOnlySpan<byte> SignatureV2 => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Reads a header from the first bytes of a connection.</summary>
    public static ProxyHeaderState Read(ReadOnlySpan<byte> bytes, out ProxyHeader header)
    {
        header = default;
        if (bytes.IsEmpty)
        {
            return ProxyHeaderState.Incomplete;
        }

        return bytes[0] == SignatureV2[0] ? ReadV2(bytes, out header) : ReadV1(bytes, out header);
    }

    private static ProxyHeaderState ReadV1(ReadOnlySpan<byte> bytes, out ProxyHeader header)
    {
        header = default;
        if (!bytes.StartsWith(PrefixV1[..Math.Min(bytes.Length, PrefixV1.Length)]))
        {
            return ProxyHeaderState.Invalid;
        }

        var end = bytes[..Math.Min(bytes.Length, MaxLengthV1)].IndexOf("\r\n"u8);
        if (end < 0)
        {
            return bytes.Length < MaxLengthV1 ? ProxyHeaderState.Incomplete : ProxyHeaderState.Invalid;
        }

        if (end < PrefixV1.Length || !TryReadLine(bytes[PrefixV1.Length..end], out var source))
        {
            return ProxyHeaderState.Invalid;
        }

        header = new ProxyHeader(end + 2, source);
        return ProxyHeaderState.Complete;
    }

    private static bool TryReadLine(ReadOnlySpan<byte> line, out IPEndPoint? source)
    {
        source = null;
        var parts = Encoding.Latin1.GetString(line).Split(' ');
        if (string.Equals(parts[0], "UNKNOWN", StringComparison.Ordinal))
        {
            return true;
        }

        var isV6 = string.Equals(parts[0], "TCP6", StringComparison.Ordinal);
        if (parts.Length != 5 || (!isV6 && !string.Equals(parts[0], "TCP4", StringComparison.Ordinal)))
        {
            return false;
        }

        if (!TryReadAddress(parts[1], isV6, out var address) || !TryReadAddress(parts[2], isV6, out _)
            || !TryReadPort(parts[3], out var port) || !TryReadPort(parts[4], out _))
        {
            return false;
        }

        source = new IPEndPoint(address, port);
        return true;
    }

    // IPAddress alone also takes shortened and hexadecimal IPv4, scopes and brackets, none of which the protocol has.
    private static bool TryReadAddress(string text, bool isV6, out IPAddress address)
    {
        var known = text.All(c => char.IsAsciiHexDigit(c) || c is '.' or ':');
        if (!known || !IPAddress.TryParse(text, out address!))
        {
            address = IPAddress.None;
            return false;
        }

        var isValid = isV6 == text.Contains(':') && (isV6 || string.Equals(address.ToString(), text, StringComparison.Ordinal));
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return isValid;
    }

    private static bool TryReadPort(string text, out int port) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, null, out port)
        && port <= ushort.MaxValue
        && (text.Length == 1 || text[0] != '0');

    private static ProxyHeaderState ReadV2(ReadOnlySpan<byte> bytes, out ProxyHeader header)
    {
        header = default;
        var known = Math.Min(bytes.Length, SignatureV2.Length);
        if (!bytes[..known].SequenceEqual(SignatureV2[..known]) || (bytes.Length > 12 && (bytes[12] & 0xFE) != 0x20))
        {
            return ProxyHeaderState.Invalid;
        }

        if (bytes.Length < PrefixLengthV2)
        {
            return ProxyHeaderState.Incomplete;
        }

        var isLocal = (bytes[12] & 0x0F) == 0;
        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        if (!isLocal && length < AddressLength(bytes[13]))
        {
            return ProxyHeaderState.Invalid;
        }

        if (bytes.Length < PrefixLengthV2 + length)
        {
            return ProxyHeaderState.Incomplete;
        }

        header = new ProxyHeader(PrefixLengthV2 + length, isLocal ? null : ReadSource(bytes[13], bytes[PrefixLengthV2..]));
        return ProxyHeaderState.Complete;
    }

    private static int AddressLength(byte family) => (family >> 4) switch { 1 => 12, 2 => 36, 3 => 216, _ => 0 };

    // Addresses of datagrams are no addresses of this connection.
    private static IPEndPoint? ReadSource(byte family, ReadOnlySpan<byte> addresses)
    {
        return family switch
        {
            0x11 => new IPEndPoint(new IPAddress(addresses[..4]), BinaryPrimitives.ReadUInt16BigEndian(addresses[8..])),
            0x21 => new IPEndPoint(Plain(new IPAddress(addresses[..16])), BinaryPrimitives.ReadUInt16BigEndian(addresses[32..])),
            _ => null,
        };
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}

using System.Buffers.Binary;
using System.Net;
using System.Text;
using OrleansEdge.Relay.Transport;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>The reading of PROXY protocol headers, at every length that can have arrived.</summary>
public sealed class ProxyHeaderTests
{
    private static readonly byte[] Signature = "\r\n\r\n\0\r\nQUIT\n"u8.ToArray();

    public static TheoryData<string, byte[], string?> Valid => new()
    {
        { "v1 TCP4", V1("TCP4 192.0.2.1 192.0.2.2 56324 443"), "192.0.2.1:56324" },
        { "v1 TCP4 shortest", V1("TCP4 1.1.1.1 1.1.1.1 1 1"), "1.1.1.1:1" },
        { "v1 TCP4 port 0", V1("TCP4 1.1.1.1 1.1.1.1 0 65535"), "1.1.1.1:0" },
        { "v1 TCP6", V1("TCP6 2001:db8::1 ::1 56324 443"), "[2001:db8::1]:56324" },
        { "v1 TCP6 longest", V1("TCP6 ffff:f...f:ffff ".Replace("f...f", "ffff:ffff:ffff:ffff:ffff:ffff", StringComparison.Ordinal)
            + "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535"), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
        { "v1 TCP6 mapped", V1("TCP6 ::ffff:192.0.2.1 ::1 1 2"), "192.0.2.1:1" },
        { "v1 UNKNOWN", V1("UNKNOWN"), null },
        { "v1 UNKNOWN with rest", V1("UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535"), null },
        { "v2 IPv4", V2(0x21, 0x11, V4("192.0.2.1", 56324)), "192.0.2.1:56324" },
        { "v2 IPv4 with TLVs", V2(0x21, 0x11, [.. V4("192.0.2.1", 1), 4, 0, 3, 1, 2, 3, 0x20, 0, 0]), "192.0.2.1:1" },
        { "v2 IPv6", V2(0x21, 0x21, V6("2001:db8::1", 443)), "[2001:db8::1]:443" },
        { "v2 IPv6 mapped", V2(0x21, 0x21, V6("::ffff:192.0.2.1", 443)), "192.0.2.1:443" },
        { "v2 LOCAL, nothing behind", V2(0x20, 0x00, []), null },
        { "v2 LOCAL with addresses", V2(0x20, 0x11, V4("192.0.2.1", 1)), null },
        { "v2 LOCAL too short for its family", V2(0x20, 0x21, [1, 2, 3]), null },
        { "v2 UNSPEC", V2(0x21, 0x00, [1, 2, 3]), null },
        { "v2 Unix", V2(0x21, 0x31, new byte[216]), null },
        { "v2 datagram", V2(0x21, 0x12, V4("192.0.2.1", 1)), null },
        { "v2 large TLVs", V2(0x21, 0x11, [.. V4("192.0.2.1", 1), .. new byte[3000]]), "192.0.2.1:1" },
    };

    public static TheoryData<string, byte[]> Invalid => new()
    {
        { "HTTP", "GET / HTTP/1.1\r\n"u8.ToArray() },
        { "TLS", [0x16, 0x03, 0x01] },
        { "v1 lower case", "proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n"u8.ToArray() },
        { "v1 no protocol", V1("") },
        { "v1 other protocol", V1("UDP4 1.1.1.1 1.1.1.1 1 1") },
        { "v1 port missing", V1("TCP4 1.1.1.1 1.1.1.1 1") },
        { "v1 one too many", V1("TCP4 1.1.1.1 1.1.1.1 1 1 1") },
        { "v1 two spaces", V1("TCP4 1.1.1.1  1.1.1.1 1 1") },
        { "v1 port too high", V1("TCP4 1.1.1.1 1.1.1.1 65536 1") },
        { "v1 negative port", V1("TCP4 1.1.1.1 1.1.1.1 -1 1") },
        { "v1 port with leading zero", V1("TCP4 1.1.1.1 1.1.1.1 01 1") },
        { "v1 short IPv4", V1("TCP4 1.1 1.1.1.1 1 1") },
        { "v1 number as IPv4", V1("TCP4 16843009 1.1.1.1 1 1") },
        { "v1 octal IPv4", V1("TCP4 01.1.1.1 1.1.1.1 1 1") },
        { "v1 IPv6 under TCP4", V1("TCP4 ::1 ::1 1 1") },
        { "v1 IPv4 under TCP6", V1("TCP6 1.1.1.1 1.1.1.1 1 1") },
        { "v1 scope", V1("TCP6 fe80::1%eth0 ::1 1 1") },
        { "v1 over 107 bytes", V1("UNKNOWN " + new string('x', 93)) },
        { "v1 without end", Encoding.ASCII.GetBytes("PROXY UNKNOWN " + new string('x', 200)) },
        { "v1 line feed only", [.. "PROXY UNKNOWN\n"u8, .. new byte[107]] },
        { "v2 broken signature", "\r\n\r\n\0\r\nQUIX\n"u8.ToArray() },
        { "v2 version 1", V2(0x11, 0x11, V4("192.0.2.1", 1)) },
        { "v2 version 3", V2(0x31, 0x11, V4("192.0.2.1", 1)) },
        { "v2 command 2", V2(0x22, 0x11, V4("192.0.2.1", 1)) },
        { "v2 IPv4 too short", V2(0x21, 0x11, new byte[11]) },
        { "v2 IPv6 too short", V2(0x21, 0x21, new byte[35]) },
        { "v2 Unix too short", V2(0x21, 0x31, new byte[215]) },
    };

    [Theory]
    [MemberData(nameof(Valid))]
    public void ValidHeader_IsCompleteExactlyAtItsEnd(string name, byte[] header, string? source)
    {
        Assert.NotEmpty(name);
        for (var length = 0; length < header.Length; length++)
        {
            Assert.Equal(ProxyHeaderState.Incomplete, ProxyHeader.Read(header.AsSpan(0, length), out _));
        }

        foreach (var behind in new[] { "", "G", "GET / HTTP/1.1\r\n\r\n", "\r\n", "PROXY " })
        {
            var state = ProxyHeader.Read([.. header, .. Encoding.ASCII.GetBytes(behind)], out var read);

            Assert.Equal(ProxyHeaderState.Complete, state);
            Assert.Equal(header.Length, read.Length);
            Assert.Equal(source is null ? null : IPEndPoint.Parse(source), read.Source);
        }
    }

    [Theory]
    [MemberData(nameof(Invalid))]
    public void InvalidHeader_IsNeverCompleteAndAtLastInvalid(string name, byte[] bytes)
    {
        Assert.NotEmpty(name);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.NotEqual(ProxyHeaderState.Complete, ProxyHeader.Read(bytes.AsSpan(0, length), out _));
        }

        Assert.Equal(ProxyHeaderState.Invalid, ProxyHeader.Read(bytes, out _));
    }

    [Fact]
    public void LongestHeaderOfVersion1_Is107Bytes()
    {
        var longest = V1("UNKNOWN " + new string('x', 91));

        Assert.Equal(107, longest.Length);
        Assert.Equal(ProxyHeaderState.Complete, ProxyHeader.Read(longest, out _));
    }

    internal static byte[] V1(string line) => Encoding.ASCII.GetBytes($"PROXY {line}\r\n");

    internal static byte[] V2(byte command, byte family, byte[] body)
    {
        var header = new byte[16 + body.Length];
        Signature.CopyTo(header, 0);
        header[12] = command;
        header[13] = family;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), (ushort)body.Length);
        body.CopyTo(header, 16);
        return header;
    }

    internal static byte[] V4(string source, ushort port) =>
        [.. IPAddress.Parse(source).GetAddressBytes(), 192, 0, 2, 99, (byte)(port >> 8), (byte)port, 0, 80];

    private static byte[] V6(string source, ushort port) =>
        [.. IPAddress.Parse(source).GetAddressBytes(), .. new byte[16], (byte)(port >> 8), (byte)port, 0, 80];
}

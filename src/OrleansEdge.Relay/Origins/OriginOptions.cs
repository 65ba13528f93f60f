using System.Net;
using System.Net.Sockets;

namespace OrleansEdge.Relay.Origins;

/// <summary>How the edge reaches origins, section <c>Edge:Origin</c>.</summary>
public sealed class OriginOptions
{
    private static readonly TimeSpan LongestHandshake = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestActivity = TimeSpan.FromDays(1);

    /// <summary>Longest time for name resolution, TCP and TLS of one attempt at one origin together; over 0, at most 5 minutes. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest time from the request of a WebSocket handshake to the end of the head of its answer; over 0, at most 5 minutes. Default 10 s.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest silence in both directions of an HTTP request that is not a WebSocket; over 0, at most 1 day. Default 100 s.</summary>
    public TimeSpan ActivityTimeout { get; set; } = TimeSpan.FromSeconds(100);

    /// <summary>IP addresses of this machine from which origins are dialled, in turn, to have more than one range of ports towards one
    /// origin. A family without an address here is left to the kernel. Default: none.</summary>
    public IList<string> SourceAddresses { get; } = [];

    /// <summary>All faults, as sentences that name the setting. Source addresses are tried on this machine.</summary>
    public IEnumerable<string> Validate()
    {
        (string Name, TimeSpan Value, TimeSpan Most)[] spans =
        [
            (nameof(ConnectTimeout), ConnectTimeout, LongestHandshake),
            (nameof(HandshakeTimeout), HandshakeTimeout, LongestHandshake),
            (nameof(ActivityTimeout), ActivityTimeout, LongestActivity),
        ];
        var times = from span in spans
                    where span.Value <= TimeSpan.Zero || span.Value > span.Most
                    select $"Edge:Origin:{span.Name} is {span.Value}; it must be over 0 and at most {span.Most}.";
        return times.Concat(SourceAddresses.Select(CheckSource).OfType<string>());
    }

    private static string? CheckSource(string text, int place)
    {
        var setting = $"Edge:Origin:SourceAddresses:{place} is '{text}'";
        if (!IPAddress.TryParse(text, out var address))
        {
            return $"{setting}; it must be an IP address.";
        }
        try
        {
            using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(address, 0));
            return null;
        }
        catch (SocketException exception)
        {
            return $"{setting}; it must be an address of this machine ({exception.SocketErrorCode}).";
        }
    }
}

using System.Globalization;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>What the kernel holds of loopback TCP connections (<c>/proc/net/tcp</c>). The send queue is exact: what the process handed
/// over and the other side has not acknowledged. The receive queue is what came and nobody has read.</summary>
public static class KernelQueues
{
    /// <summary>Most that the send buffer of one socket can hold: it grows by itself up to the third number of <c>tcp_wmem</c>, and the
    /// kernel checks that limit before it takes a segment of at most 64 KiB, not after.</summary>
    public static long MaxSendBuffer { get; }
        = long.Parse(File.ReadAllText("/proc/sys/net/ipv4/tcp_wmem").Split('\t', ' ')[2], CultureInfo.InvariantCulture) + (64 * 1024);

    /// <summary>Bytes in the send queues of sockets with one of these ports here or there.</summary>
    public static long Unsent(IEnumerable<int> local, IEnumerable<int> remote) => Sum(local, remote, sockets => sockets.Send);

    /// <summary>Bytes in the receive queues of sockets with one of these ports here or there.</summary>
    public static long Unread(IEnumerable<int> local, IEnumerable<int> remote) => Sum(local, remote, sockets => sockets.Receive);

    /// <summary>What the kernel has of one direction of one connection, on both sides of it.</summary>
    /// <param name="from">Port that sends.</param>
    /// <param name="to">Port that receives.</param>
    public static long OnTheWay(int from, int to)
        => Read().Sum(socket => (socket.Local == from && socket.Remote == to ? socket.Send : 0) + (socket.Local == to && socket.Remote == from ? socket.Receive : 0));

    private static long Sum(IEnumerable<int> local, IEnumerable<int> remote, Func<Entry, long> read)
    {
        var (here, there) = (local.ToHashSet(), remote.ToHashSet());
        return Read().Where(socket => here.Contains(socket.Local) || there.Contains(socket.Remote)).Sum(read);
    }

    // "  sl  local_address rem_address   st tx_queue:rx_queue …", numbers in hexadecimal; state 0A listens and has other meanings there.
    private static List<Entry> Read()
        => [.. File.ReadLines("/proc/net/tcp").Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(fields => fields[3] != "0A").Select(Parse)];

    private static Entry Parse(string[] fields)
    {
        var queues = fields[4].Split(':');
        return new(Port(fields[1]), Port(fields[2]), Hex(queues[0]), Hex(queues[1]));
    }

    private static int Port(string address) => (int)Hex(address.Split(':')[1]);

    private static long Hex(string text) => long.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private readonly record struct Entry(int Local, int Remote, long Send, long Receive);
}

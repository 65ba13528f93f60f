using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace OrleansEdge.Testing;

/// <summary>Ports for programs that cannot take port 0. Thread safe.</summary>
public static class FreePort
{
    private const int First = 10240;

    // From here on Linux takes ports for outgoing connections, any of which may take one that was just found free.
    private const int Beyond = 32768;

    private static readonly ConcurrentDictionary<int, bool> Given = new();

    /// <summary>A port of 127.0.0.1 that nobody listens on now, and that was not given before in this process.</summary>
    public static int Find()
    {
        while (true)
        {
            var port = Random.Shared.Next(First, Beyond);
            if (Given.TryAdd(port, true) && IsFree(port))
            {
                return port;
            }
        }
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException taken) when (taken.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return false;
        }
    }
}

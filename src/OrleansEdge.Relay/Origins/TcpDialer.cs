using System.Net;
using System.Net.Sockets;

namespace OrleansEdge.Relay.Origins;

/// <summary>Opens a TCP connection to the first of several addresses that takes it: attempts are started in order, each 250 ms after
/// the one before or as soon as that failed (RFC 8305 section 5). Thread safe.</summary>
internal sealed class TcpDialer
{
    /// <summary>How long an attempt has the field to itself.</summary>
    public static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(250);

    private const int SolIP = 0;
    private const int IPBindAddressNoPort = 24;

    private readonly IPAddress[] _sourcesV4;
    private readonly IPAddress[] _sourcesV6;
    private readonly TimeProvider _time;
    private readonly Func<Socket, bool> _isBeyondBudget;
    private uint _turn;

    /// <param name="sources">Addresses of this machine to dial from, in turn; none: the kernel's choice.</param>
    /// <param name="time">Clock of the stagger.</param>
    /// <param name="isBeyondBudget">Whether a socket just made took one of the descriptors that are not for customers' traffic.</param>
    public TcpDialer(IEnumerable<IPAddress> sources, TimeProvider time, Func<Socket, bool> isBeyondBudget)
    {
        _isBeyondBudget = isBeyondBudget;
        var all = sources.ToArray();
        _sourcesV4 = [.. all.Where(source => source.AddressFamily == AddressFamily.InterNetwork)];
        _sourcesV6 = [.. all.Where(source => source.AddressFamily == AddressFamily.InterNetworkV6)];
        _time = time;
    }

    /// <summary>Dials.</summary>
    /// <returns>A connected socket, or the error of the first address that answered with one (an error of this machine only where
    /// there is no other).</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<TcpResult> DialAsync(IPAddress[] addresses, int port, CancellationToken cancellationToken)
    {
        if (addresses.Length == 1)
        {
            return await AttemptAsync(addresses[0], port, cancellationToken);
        }
        using var race = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task<TcpResult>>(addresses.Length);
        SocketException? fault = null;
        try
        {
            var next = 0;
            while (next < addresses.Length || running.Count > 0)
            {
                if (next < addresses.Length)
                {
                    running.Add(AttemptAsync(addresses[next++], port, race.Token));
                }
                while (await FirstToEndAsync(running, mayGiveUp: next < addresses.Length, race.Token) is { } ended)
                {
                    running.Remove(ended);
                    var result = await ended;
                    if (result.Socket is not null)
                    {
                        return result;
                    }
                    fault = Worse(fault, result.Fault!);
                    if (next < addresses.Length)
                    {
                        break;
                    }
                }
            }
            return new TcpResult(null, null, fault);
        }
        finally
        {
            await race.CancelAsync();
            await CloseAsync(running);
        }
    }

    private async Task<Task<TcpResult>?> FirstToEndAsync(
        List<Task<TcpResult>> running, bool mayGiveUp, CancellationToken cancellationToken)
    {
        if (running.Count == 0)
        {
            return null;
        }
        var first = Task.WhenAny(running);
        if (!mayGiveUp)
        {
            return await first;
        }
        try
        {
            return await first.WaitAsync(Stagger, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private async Task<TcpResult> AttemptAsync(IPAddress address, int port, CancellationToken cancellationToken)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            if (_isBeyondBudget(socket))
            {
                throw new SocketException((int)SocketError.TooManyOpenSockets);
            }
            BindSource(socket);
            var endPoint = new IPEndPoint(address, port);
            await socket.ConnectAsync(endPoint, cancellationToken);
            return new TcpResult(socket, endPoint, null);
        }
        catch (SocketException exception)
        {
            socket?.Dispose();
            return new TcpResult(null, null, exception);
        }
        catch (OperationCanceledException)
        {
            socket?.Dispose();
            throw;
        }
    }

    private void BindSource(Socket socket)
    {
        var sources = socket.AddressFamily == AddressFamily.InterNetwork ? _sourcesV4 : _sourcesV6;
        if (sources.Length == 0)
        {
            return;
        }
        if (OperatingSystem.IsLinux())
        {
            // The port is then chosen at connect, when the destination is known, so that one port serves many destinations (ip(7)).
            socket.SetRawSocketOption(SolIP, IPBindAddressNoPort, BitConverter.GetBytes(1));
        }
        socket.Bind(new IPEndPoint(sources[Interlocked.Increment(ref _turn) % (uint)sources.Length], 0));
    }

    private static SocketException Worse(SocketException? known, SocketException latest)
        => known is null || (OriginFault.Of(known).IsLocal && !OriginFault.Of(latest).IsLocal) ? latest : known;

    private static async Task CloseAsync(List<Task<TcpResult>> losers)
    {
        foreach (var loser in losers)
        {
            await loser.ContinueWith(
                static ended => { if (ended.IsCompletedSuccessfully) { ended.Result.Socket?.Dispose(); } },
                CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }
}

/// <summary>A connected socket and where it leads, or an error.</summary>
internal readonly record struct TcpResult(Socket? Socket, IPEndPoint? EndPoint, SocketException? Fault);

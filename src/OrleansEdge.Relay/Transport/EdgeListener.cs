using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace OrleansEdge.Relay.Transport;

/// <summary>Accepts connections on one address, and goes on whatever happens: out of descriptors or memory it accepts by a reserve
/// descriptor, so that the connection can be refused, and never tries faster than that frees something.</summary>
internal sealed class EdgeListener : IConnectionListener
{
    private const int Backlog = 4096;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly EdgeConnectionServices _services;
    private readonly DescriptorReserve _reserve;
    private readonly CancellationTokenSource _unbound = new();
    private long _lastLogged = long.MinValue;

    private EdgeListener(Socket socket, EdgeConnectionServices services, DescriptorReserve reserve)
    {
        _socket = socket;
        _services = services;
        _reserve = reserve;
        EndPoint = socket.LocalEndPoint!;
    }

    public EndPoint EndPoint { get; }

    /// <summary>Binds and listens.</summary>
    /// <exception cref="AddressInUseException">Another socket listens there.</exception>
    public static EdgeListener Bind(IPEndPoint endPoint, EdgeConnectionServices services, DescriptorReserve reserve)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(endPoint);
            socket.Listen(Backlog);
            return new EdgeListener(socket, services, reserve);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new AddressInUseException(e.Message, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (!_unbound.IsCancellationRequested)
        {
            try
            {
                if (TryStart(await _socket.AcceptAsync(cancellationToken), lease: null) is { } connection)
                {
                    return connection;
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException && _unbound.IsCancellationRequested)
            {
                return null;
            }
            catch (SocketException e)
            {
                if (await AcceptInNeedAsync(e) is { } refused)
                {
                    return refused;
                }
            }
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _unbound.Cancel();
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    private EdgeConnection? TryStart(Socket socket, IDisposable? lease)
    {
        try
        {
            socket.NoDelay = true;
            var connection = new EdgeConnection(socket, _services) { IsBeyondDescriptors = lease is not null };
            connection.Hold(lease);
            connection.Start();
            return connection;
        }
        catch (SocketException e)
        {
            // It was reset between the client's connect and here.
            TransportLog.AcceptedTooLate(_services.Logger, EndPoint, e.SocketErrorCode);
            socket.Dispose();
            lease?.Dispose();
            return null;
        }
    }

    private async ValueTask<EdgeConnection?> AcceptInNeedAsync(SocketException problem)
    {
        LogProblem(problem);
        _reserve.Refill();
        if (IsShortage(problem.SocketErrorCode) && _reserve.TryLend() is { } loan)
        {
            if (await TryAcceptAsync() is { } socket)
            {
                return TryStart(socket, loan);
            }

            loan.Dispose();
        }

        await PauseAsync();
        return null;
    }

    private async ValueTask<Socket?> TryAcceptAsync()
    {
        try
        {
            // The connection that could not be accepted may have gone meanwhile, and this must not wait for another one on borrowed
            // means; a poll tells without waiting.
            return _socket.Poll(TimeSpan.Zero, SelectMode.SelectRead) ? await _socket.AcceptAsync() : null;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Somebody else took the descriptor first: the next attempt comes after the pause.
            return null;
        }
    }

    private async ValueTask PauseAsync()
    {
        try
        {
            await Task.Delay(Pause, _services.Time, _unbound.Token);
        }
        catch (OperationCanceledException)
        {
            // Unbound: the caller's loop sees it.
        }
    }

    private static bool IsShortage(SocketError error) =>
        error is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.SystemNotReady;

    private void LogProblem(SocketException problem)
    {
        var now = _services.Time.GetTimestamp();
        if (_lastLogged == long.MinValue || _services.Time.GetElapsedTime(_lastLogged, now) >= LogInterval)
        {
            _lastLogged = now;
            TransportLog.AcceptFailed(_services.Logger, EndPoint, problem.SocketErrorCode, problem.Message);
        }
    }
}

using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace OrleansEdge.Relay.Transport;

/// <summary>What the listeners do about scarce descriptors.</summary>
internal sealed record Descriptors(DescriptorBudget Budget, DescriptorReserve Reserve, OverloadRefusal Refusal);

/// <summary>Accepts connections on one address, and goes on whatever happens: out of descriptors or memory it accepts by a reserve
/// descriptor and refuses, and never tries faster than something comes free.</summary>
internal sealed class EdgeListener : IConnectionListener
{
    private const int Backlog = 4096;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly EdgeConnectionServices _services;
    private readonly Descriptors _descriptors;
    private readonly EndpointAddress _endpoint;
    private readonly CancellationTokenSource _unbound = new();
    private long _lastLogged = long.MinValue;

    private EdgeListener(Socket socket, EndpointAddress endpoint, EdgeConnectionServices services, Descriptors descriptors)
    {
        _socket = socket;
        _endpoint = endpoint;
        _services = services;
        _descriptors = descriptors;
        EndPoint = socket.LocalEndPoint!;
    }

    public EndPoint EndPoint { get; }

    /// <summary>Binds and listens.</summary>
    /// <exception cref="AddressInUseException">Another socket listens there.</exception>
    public static EdgeListener Bind(IPEndPoint address, EndpointAddress endpoint, EdgeConnectionServices services, Descriptors descriptors)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(address);
            socket.Listen(Backlog);
            return new EdgeListener(socket, endpoint, services, descriptors);
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
                if (Start(await _socket.AcceptAsync(cancellationToken)) is { } connection)
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
                await AcceptInNeedAsync(e);
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

    private EdgeConnection? Start(Socket socket)
    {
        if (_endpoint.IsForClients && _descriptors.Budget.IsSpent(socket))
        {
            if (IsTimeToLog())
            {
                TransportLog.DescriptorsSpent(_services.Logger, _descriptors.Budget.Headroom, _descriptors.Budget.Limit, EndPoint);
            }

            _descriptors.Refusal.Refuse(socket, _endpoint.IsTls, loan: null);
            return null;
        }

        try
        {
            socket.NoDelay = true;
            var connection = new EdgeConnection(socket, _endpoint.Name, _services);
            connection.Start();
            return connection;
        }
        catch (SocketException e)
        {
            // It was reset between the client's connect and here.
            TransportLog.AcceptedTooLate(_services.Logger, EndPoint, e.SocketErrorCode);
            socket.Dispose();
            return null;
        }
    }

    private async ValueTask AcceptInNeedAsync(SocketException problem)
    {
        if (IsTimeToLog())
        {
            TransportLog.AcceptFailed(_services.Logger, EndPoint, problem.SocketErrorCode, problem.Message);
        }

        _descriptors.Reserve.Refill();
        if (IsShortage(problem.SocketErrorCode) && _descriptors.Reserve.TryLend() is { } loan)
        {
            if (await TryAcceptAsync() is { } socket)
            {
                _descriptors.Refusal.Refuse(socket, _endpoint.IsTls, loan);
                return;
            }

            loan.Dispose();
        }

        await PauseAsync();
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

    private bool IsTimeToLog()
    {
        var now = _services.Time.GetTimestamp();
        if (_lastLogged != long.MinValue && _services.Time.GetElapsedTime(_lastLogged, now) < LogInterval)
        {
            return false;
        }

        _lastLogged = now;
        return true;
    }
}

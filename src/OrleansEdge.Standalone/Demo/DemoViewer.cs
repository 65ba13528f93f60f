using System.Buffers;
using System.Net.WebSockets;
using System.Threading.Channels;

namespace OrleansEdge.Standalone.Demo;

/// <summary>One open page of the demo, for as long as its WebSocket lasts.</summary>
internal sealed class DemoViewer(WebSocket socket, DemoRoom room, TimeProvider time) : IDisposable
{
    /// <summary>Longest message in bytes; a longer one ends the connection with 1009.</summary>
    public const int MaxMessageBytes = 4096;

    /// <summary>Comments that may come at once.</summary>
    public const int Burst = 10;

    private const int QueuedMessages = 256;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PerComment = TimeSpan.FromSeconds(0.5);

    private readonly Channel<byte[]> _outgoing = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(QueuedMessages) { SingleReader = true });
    private readonly TaskCompletionSource<string> _dismissed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _cut = new();
    private double _credit = Burst;
    private long _creditedAt = time.GetTimestamp();

    /// <summary>Sends a message when its turn comes. A viewer that does not read is let go.</summary>
    public void Post(byte[] message)
    {
        if (!_outgoing.Writer.TryWrite(message))
        {
            _dismissed.TrySetResult("too slow");
        }
    }

    /// <summary>Relays between socket and room until one side ends it.</summary>
    /// <param name="stopping">The demo is being stopped: the viewer gets 1001.</param>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var registration = stopping.Register(() => _dismissed.TrySetResult("demo stops"));
        var receiving = ReceiveAllAsync(_cut.Token);
        var sending = SendAllAsync(_cut.Token);
        room.Enter(this);
        await Task.WhenAny(receiving, _dismissed.Task);
        room.Leave(this);
        _outgoing.Writer.TryComplete();
        _cut.CancelAfter(Patience);
        try
        {
            await sending;
            await CloseAsync(receiving);
        }
        catch (Exception failure) when (failure is OperationCanceledException or WebSocketException)
        {
            // The page went away without a Close, or takes nothing: there is nobody to tell.
            socket.Abort();
        }
    }

    public void Dispose() => _cut.Dispose();

    private async Task SendAllAsync(CancellationToken cut)
    {
        await foreach (var message in _outgoing.Reader.ReadAllAsync(cut))
        {
            await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, cut);
        }
    }

    private async Task CloseAsync(Task<(WebSocketCloseStatus Status, string? Reason)> receiving)
    {
        if (receiving.IsCompleted)
        {
            var (status, reason) = await receiving;
            await socket.CloseAsync(status, reason, _cut.Token);
        }
        else
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, await _dismissed.Task, _cut.Token);
            await receiving;
        }
    }

    private async Task<(WebSocketCloseStatus Status, string? Reason)> ReceiveAllAsync(CancellationToken cut)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(MaxMessageBytes);
        try
        {
            while (true)
            {
                var (result, length) = await ReceiveMessageAsync(buffer.AsMemory(0, MaxMessageBytes), cut);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    return (socket.CloseStatus ?? WebSocketCloseStatus.NormalClosure, socket.CloseStatusDescription);
                }

                if (!result.EndOfMessage)
                {
                    return (WebSocketCloseStatus.MessageTooBig, "comment too big");
                }

                Handle(buffer.AsSpan(0, length));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<(ValueWebSocketReceiveResult Result, int Length)> ReceiveMessageAsync(Memory<byte> buffer, CancellationToken cut)
    {
        var length = 0;
        ValueWebSocketReceiveResult result;
        do
        {
            result = await socket.ReceiveAsync(buffer[length..], cut);
            length += result.Count;
        }
        while (!result.EndOfMessage && length < buffer.Length && result.MessageType != WebSocketMessageType.Close);

        return (result, length);
    }

    private void Handle(ReadOnlySpan<byte> message)
    {
        var (post, fault) = DemoMessages.Read(message);
        if (post is null)
        {
            Post(DemoMessages.Error(fault));
        }
        else if (!TakeCredit())
        {
            Post(DemoMessages.Error("Too many comments; wait a moment."));
        }
        else
        {
            room.Comment(post.Name!, post.Text!);
        }
    }

    private bool TakeCredit()
    {
        var now = time.GetTimestamp();
        _credit = Math.Min(Burst, _credit + (time.GetElapsedTime(_creditedAt, now) / PerComment));
        _creditedAt = now;
        if (_credit < 1)
        {
            return false;
        }

        _credit--;
        return true;
    }
}

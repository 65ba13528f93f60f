using System.Buffers;
using System.Buffers.Text;
using System.Net;

namespace OrleansEdge.Relay.Origins;

/// <summary>The answer of an origin, as YARP takes it.</summary>
internal sealed class OriginHttpContent(OriginResponseHead head, OriginHttpBody body) : HttpContent
{
    /// <summary>The head, whose fields are copied from here.</summary>
    public OriginResponseHead Head => head;

    /// <summary>Fields behind a chunked body, once it was read.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Trailers => body.Trailers;

    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(body);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => body.CopyToAsync(stream);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}

/// <summary>Reads the body of an answer without its framing. Where the origin pauses before the first byte, the client gets the head of
/// the answer at once and not with the body: an event stream may be silent for long. Who comes back for more has given the client
/// what was read before, which is when that counts.</summary>
internal sealed class OriginHttpBody(Stream origin, HeadBuffer buffer, OriginBody body, OriginExchange exchange, Action onEnd) : OneWayStream
{
    private const int ChunkedReadSize = 16 * 1024;

    private OriginBody _body = body;
    private bool _hasEnded;
    private int _undelivered;

    public override bool CanRead => true;

    /// <summary>Whether all of the body was read.</summary>
    public bool IsComplete => _hasEnded || _body.IsComplete;

    /// <summary>Fields behind a chunked body.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Trailers => _body.Trailers;

    /// <exception cref="AnswerBrokeOffException">The origin broke off.</exception>
    /// <exception cref="AnswerMalformedException">The origin broke the framing.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        NoteDelivered();
        var read = await ReadBodyAsync(destination, cancellationToken);
        if (read > 0)
        {
            exchange.Meter.Read(read);
            _undelivered = read;
        }

        return read;
    }

    /// <summary>The client took all that was read.</summary>
    public void NoteDelivered()
    {
        if (_undelivered > 0)
        {
            exchange.Meter.Down(_undelivered);
            _undelivered = 0;
        }
    }

    private async ValueTask<int> ReadBodyAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (!IsComplete)
        {
            if (buffer.IsEmpty && _body.Framing != BodyFraming.Chunked && !destination.IsEmpty)
            {
                return await ReceiveDirectlyAsync(destination, cancellationToken);
            }
            if (buffer.IsEmpty && destination.IsEmpty)
            {
                // A silent stream holds no buffer.
                buffer.Dispose();
                await ReceiveAsync(Memory<byte>.Empty, cancellationToken);
                return 0;
            }
            if (buffer.IsEmpty)
            {
                await FillAsync(cancellationToken);
            }
            if (destination.IsEmpty)
            {
                return 0;
            }
            if (TakeInto(destination.Span) is var taken and > 0)
            {
                return taken;
            }
        }
        End();
        return 0;
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        var received = await ReceiveAsync(buffer.FreeFor(ChunkedReadSize), cancellationToken);
        buffer.Advance(received > 0 ? received : throw new AnswerBrokeOffException(hadBegun: true));
    }

    // No framing stands between the bytes: they need not pass through the buffer.
    private async ValueTask<int> ReceiveDirectlyAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        var received = await ReceiveAsync(destination[.._body.MostNext(destination.Length)], cancellationToken);
        if (received > 0)
        {
            _body.Pass(received);
        }
        else if (_body.Framing != BodyFraming.UntilClose)
        {
            throw new AnswerBrokeOffException(hadBegun: true);
        }
        if (received == 0 || _body.IsComplete)
        {
            End();
        }
        return received;
    }

    private int TakeInto(Span<byte> destination)
    {
        var bytes = buffer.Span[..Math.Min(buffer.Span.Length, destination.Length)];
        if (!_body.TryTake(bytes, out var consumed, out var data))
        {
            throw new AnswerMalformedException("the chunks of the answer are malformed");
        }
        var taken = bytes[data];
        taken.CopyTo(destination);
        var count = taken.Length;
        buffer.Consume(consumed);
        if (_body.IsComplete)
        {
            End();
        }
        return count;
    }

    private async ValueTask<int> ReceiveAsync(Memory<byte> memory, CancellationToken cancellationToken)
    {
        var receiving = origin.ReadAsync(memory, cancellationToken);
        try
        {
            if (!receiving.IsCompleted && !exchange.Client.HasStarted)
            {
                await exchange.Client.Body.FlushAsync(cancellationToken);
            }
            return await receiving;
        }
        catch (IOException exception)
        {
            throw new AnswerBrokeOffException(hadBegun: true, exception);
        }
    }

    private void End()
    {
        if (!_hasEnded)
        {
            _hasEnded = true;
            onEnd();
        }
    }
}

/// <summary>Writes the body of a request, in chunks where its length is not known. Every write reaches the origin at once.</summary>
internal sealed class RequestBodyStream(Stream origin, bool isChunked, Action<int> meter) : OneWayStream
{
    // Eight digits and two line ends.
    private const int MostChunkFraming = 12;

    private static readonly byte[] LastChunk = "0\r\n\r\n"u8.ToArray();

    public override bool CanWrite => true;

    /// <summary>Whether the origin took not all that was written.</summary>
    public bool HasFailed { get; private set; }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            if (!isChunked)
            {
                await origin.WriteAsync(buffer, cancellationToken);
            }
            else if (!buffer.IsEmpty)
            {
                await WriteChunkAsync(buffer, cancellationToken);
            }
            meter(buffer.Length);
        }
        catch
        {
            HasFailed = true;
            throw;
        }
    }

    /// <summary>Ends the body.</summary>
    /// <returns>Whether all of it was sent.</returns>
    public async ValueTask<bool> TryCompleteAsync(CancellationToken cancellationToken)
    {
        if (!HasFailed && isChunked)
        {
            await origin.WriteAsync(LastChunk, cancellationToken);
        }
        return !HasFailed;
    }

    // One write, so that a chunk does not leave in three packets.
    private async ValueTask WriteChunkAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var chunk = ArrayPool<byte>.Shared.Rent(data.Length + MostChunkFraming);
        try
        {
            Utf8Formatter.TryFormat(data.Length, chunk, out var length, new StandardFormat('x'));
            "\r\n"u8.CopyTo(chunk.AsSpan(length));
            data.Span.CopyTo(chunk.AsSpan(length + 2));
            "\r\n"u8.CopyTo(chunk.AsSpan(length + 2 + data.Length));
            await origin.WriteAsync(chunk.AsMemory(0, length + data.Length + 4), cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }
}

/// <summary>A stream of one direction that works asynchronously only.</summary>
internal abstract class OneWayStream : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
        // Nothing is held back.
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();
}

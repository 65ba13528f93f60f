using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>An HTTP/2 connection written by hand (RFC 9113), so that a test sees END_STREAM, RST_STREAM and each DATA byte as they
/// are. Windows are given back as a test reads, so that a test that does not read pushes back.</summary>
public sealed class Http2Client : IAsyncDisposable
{
    private const int MaxFrame = 16384;
    private const int InitialWindow = 65535;

    private readonly StreamWire _wire;
    private readonly HpackDecoder _decoder = new();
    private readonly Dictionary<int, Http2Stream> _streams = [];
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly TaskCompletionSource _settings = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<int, uint> _peerSettings = [];
    private readonly Task _reading;
    private TaskCompletionSource _windowChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _window = InitialWindow;
    private int _nextStream = 1;

    private Http2Client(StreamWire wire)
    {
        _wire = wire;
        _reading = ReadFramesAsync();
    }

    public IPEndPoint LocalEndPoint => _wire.LocalEndPoint;

    /// <summary>Error code of the GOAWAY that came; <see langword="null"/>: none.</summary>
    public uint? GoAway { get; private set; }

    public static async Task<Http2Client> ConnectAsync(IPEndPoint endPoint, string serverName, byte[]? preamble = null)
    {
        var wire = await StreamWire.ConnectTlsAsync(endPoint, serverName, alpn: "h2", preamble: preamble);
        Assert.Equal("h2", wire.AlpnProtocol);
        await wire.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        await wire.SendAsync(Frame(type: 4, flags: 0, stream: 0, []));
        var client = new Http2Client(wire);
        await client._settings.Task.WaitAsync(Wire.Patience);
        return client;
    }

    /// <summary>Value of a setting that the edge sent.</summary>
    public uint? Setting(int id)
    {
        lock (_peerSettings)
        {
            return _peerSettings.TryGetValue(id, out var value) ? value : null;
        }
    }

    /// <summary>Sends a request's HEADERS.</summary>
    public async Task<Http2Stream> OpenAsync(IReadOnlyList<(string Name, string Value)> fields, bool endStream = false)
    {
        await _sending.WaitAsync();
        try
        {
            Http2Stream stream;
            lock (_streams)
            {
                stream = new Http2Stream(this, _nextStream, Setting(4) ?? InitialWindow);
                _streams.Add(_nextStream, stream);
                _nextStream += 2;
            }

            await SendBlockAsync(stream.Id, HpackDecoder.Encode(fields), endStream);
            return stream;
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Vanishes: RST of the TCP connection.</summary>
    public void CutConnection() => _wire.Cut();

    /// <summary>FIN of the TCP connection.</summary>
    public Task FinishConnectionAsync() => _wire.FinishAsync();

    public async ValueTask DisposeAsync()
    {
        await _wire.DisposeAsync();
        await _reading;
        _sending.Dispose();
    }

    internal async Task SendDataAsync(Http2Stream stream, ReadOnlyMemory<byte> bytes, bool endStream)
    {
        do
        {
            var length = await ReserveAsync(stream, Math.Min(bytes.Length, MaxFrame));
            var last = length == bytes.Length;
            await SendFrameAsync(type: 0, flags: (byte)(last && endStream ? 1 : 0), stream.Id, bytes[..length]);
            bytes = bytes[length..];
        }
        while (!bytes.IsEmpty);
    }

    internal Task SendResetAsync(int stream, uint code)
    {
        var body = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(body, code);
        return SendFrameAsync(type: 3, flags: 0, stream, body);
    }

    internal async Task ConsumedAsync(Http2Stream stream, int bytes)
    {
        var body = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(body, bytes);
        try
        {
            await SendFrameAsync(type: 8, flags: 0, 0, body);
            if (!stream.RemoteEnded)
            {
                await SendFrameAsync(type: 8, flags: 0, stream.Id, body);
            }
        }
        catch (WireCutException)
        {
            stream.Deliver(null, cut: true);
        }
    }

    private static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> body)
    {
        var frame = new byte[9 + body.Length];
        frame[0] = (byte)(body.Length >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)body.Length);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        body.CopyTo(frame.AsSpan(9));
        return frame;
    }

    private async Task SendBlockAsync(int stream, byte[] block, bool endStream)
    {
        var first = Math.Min(block.Length, MaxFrame);
        var flags = (endStream ? 1 : 0) | (first == block.Length ? 4 : 0);
        await _wire.SendAsync(Frame(type: 1, (byte)flags, stream, block.AsSpan(0, first)));
        for (var at = first; at < block.Length; at += MaxFrame)
        {
            var length = Math.Min(block.Length - at, MaxFrame);
            await _wire.SendAsync(Frame(type: 9, (byte)(at + length == block.Length ? 4 : 0), stream, block.AsSpan(at, length)));
        }
    }

    private async Task SendFrameAsync(byte type, byte flags, int stream, ReadOnlyMemory<byte> body)
    {
        await _sending.WaitAsync();
        try
        {
            await _wire.SendAsync(Frame(type, flags, stream, body.Span));
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task<int> ReserveAsync(Http2Stream stream, int wanted)
    {
        while (true)
        {
            Task changed;
            lock (_streams)
            {
                var length = (int)Math.Min(wanted, Math.Min(_window, stream.Window));
                if (wanted == 0 || length > 0)
                {
                    _window -= length;
                    stream.Window -= length;
                    return length;
                }

                changed = _windowChanged.Task;
            }

            if (stream.RemoteReset)
            {
                throw new WireCutException("client: the edge has reset the stream");
            }

            await changed;
        }
    }

    private async Task ReadFramesAsync()
    {
        try
        {
            while (true)
            {
                var header = await _wire.ReadAsync(9, Timeout.InfiniteTimeSpan);
                var body = await _wire.ReadAsync((header[0] << 16) | (header[1] << 8) | header[2], Timeout.InfiniteTimeSpan);
                await HandleAsync(header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)), body);
            }
        }
        catch (Exception error) when (error is WireException or WireCutException or ObjectDisposedException or SocketException)
        {
            EndAll();
        }
    }

    private void EndAll()
    {
        _settings.TrySetException(new WireCutException("client: the connection ended before SETTINGS"));
        lock (_streams)
        {
            foreach (var stream in _streams.Values)
            {
                stream.ConnectionEnded();
            }

            Signal();
        }
    }

    private async Task HandleAsync(byte type, byte flags, int id, byte[] body)
    {
        switch (type)
        {
            case 0:
                Find(id)?.Deliver(body, cut: false, end: (flags & 1) != 0);
                break;
            case 1:
                await HandleHeadersAsync(flags, id, body);
                break;
            case 3:
                ResetStream(id, BinaryPrimitives.ReadUInt32BigEndian(body));
                break;
            case 4 when (flags & 1) == 0:
                Apply(body);
                await SendFrameAsync(type: 4, flags: 1, 0, Array.Empty<byte>());
                _settings.TrySetResult();
                break;
            case 6 when (flags & 1) == 0:
                await SendFrameAsync(type: 6, flags: 1, 0, body);
                break;
            case 7:
                GoAway = BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(4));
                break;
            case 8:
                Widen(id, BinaryPrimitives.ReadInt32BigEndian(body));
                break;
            default:
                break;
        }
    }

    private async Task HandleHeadersAsync(byte flags, int id, byte[] body)
    {
        var block = new List<byte>(body);
        var done = (flags & 4) != 0;
        while (!done)
        {
            var header = await _wire.ReadAsync(9, Timeout.InfiniteTimeSpan);
            block.AddRange(await _wire.ReadAsync((header[0] << 16) | (header[1] << 8) | header[2], Timeout.InfiniteTimeSpan));
            done = (header[4] & 4) != 0;
        }

        var fields = _decoder.Decode([.. block]);
        var stream = Find(id);
        if (fields[":status"] is not null)
        {
            stream?.Answered(fields);
        }

        if ((flags & 1) != 0)
        {
            stream?.Deliver([], cut: false, end: true);
        }
    }

    private Http2Stream? Find(int id)
    {
        lock (_streams)
        {
            return _streams.GetValueOrDefault(id);
        }
    }

    private void ResetStream(int id, uint code)
    {
        Find(id)?.Deliver(null, cut: true, code: code);
        lock (_streams)
        {
            Signal();
        }
    }

    private void Apply(byte[] body)
    {
        for (var at = 0; at + 6 <= body.Length; at += 6)
        {
            var id = BinaryPrimitives.ReadUInt16BigEndian(body.AsSpan(at));
            lock (_peerSettings)
            {
                _peerSettings[id] = BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(at + 2));
            }
        }
    }

    private void Widen(int id, int bytes)
    {
        lock (_streams)
        {
            if (id == 0)
            {
                _window += bytes;
            }
            else if (_streams.TryGetValue(id, out var stream))
            {
                stream.Window += bytes;
            }

            Signal();
        }
    }

    private void Signal()
    {
        _windowChanged.TrySetResult();
        _windowChanged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>One stream: after a 2xx to an extended CONNECT, the WebSocket's bytes.</summary>
public sealed class Http2Stream : Wire
{
    private readonly Http2Client _client;
    private readonly Channel<Piece> _pieces = Channel.CreateUnbounded<Piece>();
    private readonly TaskCompletionSource<HeaderList> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ReadOnlyMemory<byte> _rest;

    internal Http2Stream(Http2Client client, int id, long window)
        : base("h2 client", edgeFramesAreMasked: false)
    {
        _client = client;
        Id = id;
        Window = window;
    }

    public int Id { get; }

    /// <summary>Error code of the RST_STREAM that came.</summary>
    public uint? ResetCode { get; private set; }

    internal long Window { get; set; }

    internal bool RemoteEnded { get; private set; }

    internal bool RemoteReset { get; private set; }

    /// <summary>The answer's head; with <paramref name="body"/> also everything up to END_STREAM.</summary>
    public async Task<ScriptedResponse> ReadAnswerAsync(bool body, TimeSpan? within = null)
    {
        HeaderList fields;
        try
        {
            fields = await _answer.Task.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            throw Failure($"expected HEADERS within {Patience.TotalSeconds} s");
        }

        var status = int.Parse(fields[":status"]!, CultureInfo.InvariantCulture);
        return new ScriptedResponse(status, fields, body ? await ReadToEndAsync(within) : []);
    }

    public override Task SendAsync(ReadOnlyMemory<byte> bytes) => bytes.IsEmpty ? Task.CompletedTask : _client.SendDataAsync(this, bytes, endStream: false);

    public override Task FinishAsync() => _client.SendDataAsync(this, default, endStream: true);

    public override void Cut() => _client.SendResetAsync(Id, code: 8).GetAwaiter().GetResult();

    /// <summary>Cuts with an error code of HTTP/2.</summary>
    public Task ResetAsync(uint code) => _client.SendResetAsync(Id, code);

    public override ValueTask DisposeAsync() => _client.DisposeAsync();

    internal void Answered(HeaderList fields) => _answer.TrySetResult(fields);

    internal void Deliver(byte[]? bytes, bool cut, bool end = false, uint? code = null)
    {
        RemoteReset |= cut;
        RemoteEnded |= cut || end;
        ResetCode ??= code;
        if (cut)
        {
            _answer.TrySetException(new WireCutException($"{Name}: RST_STREAM {code} instead of an answer"));
        }

        _pieces.Writer.TryWrite(new Piece(bytes ?? [], cut, end));
    }

    internal void ConnectionEnded()
    {
        if (!RemoteEnded)
        {
            Deliver(null, cut: true);
        }
    }

    protected override async Task<int> ReceiveAsync(Memory<byte> destination)
    {
        while (_rest.IsEmpty)
        {
            var piece = await _pieces.Reader.ReadAsync();
            if (piece.Cut)
            {
                throw new WireCutException($"{Name}: RST_STREAM {ResetCode}");
            }

            if (piece.Bytes.Length > 0)
            {
                await _client.ConsumedAsync(this, piece.Bytes.Length);
            }

            _rest = piece.Bytes;
            if (piece.End)
            {
                if (_rest.IsEmpty)
                {
                    return 0;
                }

                _pieces.Writer.TryWrite(new Piece([], false, true));
            }
        }

        var taken = Math.Min(_rest.Length, destination.Length);
        _rest[..taken].CopyTo(destination);
        _rest = _rest[taken..];
        return taken;
    }

    private readonly record struct Piece(byte[] Bytes, bool Cut, bool End);
}

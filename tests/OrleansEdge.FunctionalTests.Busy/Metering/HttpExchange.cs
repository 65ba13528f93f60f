using System.Globalization;
using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>A connection for plain requests, over HTTP/1.1 or HTTP/2, that knows what of its bodies came.</summary>
public sealed class HttpExchange : IAsyncDisposable
{
    private readonly string _domain;
    private readonly StreamWire? _wire;
    private readonly Http2Client? _connection;
    private readonly CancellationTokenSource _over = new();
    private Http2Stream? _stream;

    private HttpExchange(string domain, StreamWire? wire, Http2Client? connection)
    {
        _domain = domain;
        _wire = wire;
        _connection = connection;
    }

    /// <summary>The connection, or the stream of the last request.</summary>
    public Wire Wire => _wire ?? (Wire)_stream!;

    /// <summary>Cancelled when the connection is given back.</summary>
    public CancellationToken Over => _over.Token;

    /// <summary>Connects.</summary>
    /// <param name="edge">Where to.</param>
    /// <param name="way">How.</param>
    /// <param name="domain">Whom the requests are for.</param>
    /// <param name="receiveBuffer">Kernel receive buffer (HTTP/1.1); 0: the system's.</param>
    public static async Task<HttpExchange> StartAsync(EdgeProcess edge, Way way, string domain, int receiveBuffer = 0)
    {
        ArgumentNullException.ThrowIfNull(edge);
        return way == Way.Http2
            ? new(domain, null, await Http2Client.ConnectAsync(edge.EdgeTls, EdgeProcess.ServerName))
            : new(domain, await ScriptedClient.ConnectAsync(edge, way, receiveBuffer), null);
    }

    /// <summary>Sends a request whose body has a length.</summary>
    public async Task SendAsync(string method, string target, byte[]? body = null)
    {
        await SendHeadAsync(method, target, body?.Length);
        if (body is not null)
        {
            await Wire.SendAsync(body);
            await FinishRequestAsync();
        }
    }

    /// <summary>Sends a request whose body comes in pieces and has no length.</summary>
    public async Task SendPiecesAsync(string method, string target, params byte[][] pieces)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        await SendHeadAsync(method, target, -1);
        foreach (var piece in pieces)
        {
            await Wire.SendAsync(_wire is null ? piece : Chunk(piece));
        }

        await (_wire?.SendAsync("0\r\n\r\n") ?? FinishRequestAsync());
    }

    /// <summary>Sends a head alone.</summary>
    /// <param name="method">Method.</param>
    /// <param name="target">Path.</param>
    /// <param name="length">Bytes of the body; -1: unknown; <see langword="null"/>: there is none.</param>
    public async Task SendHeadAsync(string method, string target, long? length)
    {
        var size = length?.ToString(CultureInfo.InvariantCulture);
        if (_wire is not null)
        {
            var framing = length switch { null => "", -1 => "Transfer-Encoding: chunked\r\n", _ => $"Content-Length: {size}\r\n" };
            await _wire.SendAsync($"{method} {target} HTTP/1.1\r\nHost: {_domain}\r\n{framing}\r\n");
            return;
        }

        List<(string, string)> fields = [(":method", method), (":scheme", "https"), (":path", target), (":authority", _domain)];
        if (length >= 0)
        {
            fields.Add(("content-length", size!));
        }

        _stream = await _connection!.OpenAsync(fields, endStream: length is null);
    }

    /// <summary>The answer with its body.</summary>
    public Task<ScriptedResponse> AnswerAsync(bool bodyless = false, TimeSpan? within = null)
        => _wire is not null ? _wire.ReadResponseAsync(bodyless, within) : _stream!.ReadAnswerAsync(body: !bodyless, within);

    /// <summary>The answer's head; what has come of its body so far is what <see cref="Wire.Received"/> grew by.</summary>
    /// <returns>Bytes that <see cref="Wire.Received"/> holds beside the body.</returns>
    public async Task<long> HeadAsync()
    {
        if (_wire is not null)
        {
            return (await _wire.ReadHeadAsync()).Length;
        }

        await _stream!.ReadAnswerAsync(body: false);
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await (_wire?.DisposeAsync() ?? _connection!.DisposeAsync());
    }

    private Task FinishRequestAsync() => _stream?.FinishAsync() ?? Task.CompletedTask;

    private static byte[] Chunk(byte[] piece)
        => [.. System.Text.Encoding.ASCII.GetBytes($"{piece.Length:x};note=1\r\n"), .. piece, .. "\r\n"u8];
}

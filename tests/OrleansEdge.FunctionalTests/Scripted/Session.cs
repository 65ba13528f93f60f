using System.Text;

namespace OrleansEdge.FunctionalTests.Scripted;

/// <summary>How the client of a test reaches the edge.</summary>
public enum Way
{
    /// <summary>HTTP/1.1, the origin likewise.</summary>
    Http1,

    /// <summary>TLS with HTTP/1.1, the origin over TLS too.</summary>
    Tls,

    /// <summary>TLS with HTTP/2 and extended CONNECT, the origin plain.</summary>
    Http2,
}

/// <summary>Opens connections and handshakes the way that a test asks for.</summary>
public static class ScriptedClient
{
    /// <summary>Sends a handshake and reads the answer's head, and its body unless the session is open.</summary>
    public static async Task<(Wire Wire, ScriptedResponse Answer)> HandshakeAsync(
        EdgeProcess edge, Way way, Handshake handshake, byte[]? early = null, int receiveBuffer = 0)
    {
        ArgumentNullException.ThrowIfNull(edge);
        ArgumentNullException.ThrowIfNull(handshake);
        if (way == Way.Http2)
        {
            var connection = await Http2Client.ConnectAsync(edge.EdgeTls, EdgeProcess.ServerName);
            var stream = await connection.OpenAsync(handshake.ToHttp2());
            await stream.SendAsync(early ?? []);
            var head = await stream.ReadAnswerAsync(body: false);
            return (stream, head.Status == 200 ? head : head with { Body = await stream.ReadToEndAsync() });
        }

        var wire = await ConnectAsync(edge, way, receiveBuffer);
        await wire.SendAsync((byte[])[.. Encoding.Latin1.GetBytes(handshake.ToHttp1()), .. early ?? []]);
        return (wire, await wire.ReadResponseAsync());
    }

    /// <summary>An HTTP/1.1 connection, over TLS or not.</summary>
    public static Task<StreamWire> ConnectAsync(EdgeProcess edge, Way way, int receiveBuffer = 0)
    {
        ArgumentNullException.ThrowIfNull(edge);
        return way == Way.Http1
            ? StreamWire.ConnectAsync(edge.Edge, receiveBuffer)
            : StreamWire.ConnectTlsAsync(edge.EdgeTls, EdgeProcess.ServerName, receiveBuffer: receiveBuffer);
    }

    /// <summary>Status of a handshake that the edge accepted.</summary>
    public static int Accepted(Way way) => way == Way.Http2 ? 200 : 101;
}

/// <summary>An open session with the test at both ends.</summary>
public sealed class Session : IAsyncDisposable
{
    private readonly DomainDocument? _document;

    private Session(
        EdgeProcess edge, string domain, DomainDocument? document, ScriptedOrigin listener, Wire client, ScriptedResponse answer, StreamWire origin, OriginRequest request)
    {
        Edge = edge;
        Domain = domain;
        _document = document;
        Listener = listener;
        Client = client;
        Answer = answer;
        Origin = origin;
        Request = request;
    }

    public EdgeProcess Edge { get; }

    public string Domain { get; }

    public ScriptedOrigin Listener { get; }

    public Wire Client { get; }

    public StreamWire Origin { get; }

    /// <summary>The answer that the client got.</summary>
    public ScriptedResponse Answer { get; }

    /// <summary>The request that the origin got.</summary>
    public OriginRequest Request { get; }

    /// <summary>Makes a domain with one scripted origin and opens a session through it.</summary>
    /// <param name="edge">The edge; by default the shared one.</param>
    /// <param name="way">Way of the client.</param>
    /// <param name="change">What differs from a plain document.</param>
    /// <param name="handshake">What differs from a plain handshake.</param>
    /// <param name="fields">Further lines of the origin's 101.</param>
    /// <param name="early">Bytes of the origin in one piece with its 101.</param>
    /// <param name="receiveBuffer">Kernel receive buffer of both test sockets; 0: the system's.</param>
    /// <param name="domain">Name of the domain; a new one by default.</param>
    public static async Task<Session> OpenAsync(
        Way way,
        EdgeProcess? edge = null,
        Action<DomainDocument>? change = null,
        Func<Handshake, Handshake>? handshake = null,
        string fields = "",
        byte[]? early = null,
        int receiveBuffer = 0,
        string? domain = null)
    {
        edge ??= await SharedEdge.GetAsync();
        domain ??= EdgeProcess.NewDomain();
        var listener = ScriptedOrigin.Start(tls: way == Way.Tls, receiveBuffer: receiveBuffer);
        var document = Document(way, domain, listener.Port);
        change?.Invoke(document);
        await edge.Admin.PutDomainAsync(document);
        return await OpenAsync(edge, way, listener, domain, handshake, fields, early, receiveBuffer, document: document);
    }

    /// <summary>Opens one more session of a domain that exists; the listener stays the caller's.</summary>
    public static async Task<Session> OpenAsync(
        EdgeProcess edge,
        Way way,
        ScriptedOrigin listener,
        string domain,
        Func<Handshake, Handshake>? handshake = null,
        string fields = "",
        byte[]? early = null,
        int receiveBuffer = 0,
        string? host = null,
        DomainDocument? document = null)
    {
        ArgumentNullException.ThrowIfNull(edge);
        ArgumentNullException.ThrowIfNull(listener);
        var plain = new Handshake(host ?? domain);
        using var refused = new CancellationTokenSource();
        var accepting = listener.AcceptWebSocketAsync(fields, early, refused.Token);
        var opening = ScriptedClient.HandshakeAsync(edge, way, handshake?.Invoke(plain) ?? plain, receiveBuffer: receiveBuffer);
        var (client, answer) = await opening;
        if (answer.Status != ScriptedClient.Accepted(way))
        {
            await refused.CancelAsync();
            await Task.WhenAny(accepting);
            await client.DisposeAsync();
            throw client.Failure($"the handshake was answered {answer}");
        }

        var (origin, request) = await accepting;
        return new Session(edge, domain, document, listener, client, answer, origin, request);
    }

    /// <summary>Opens one more session as soon as a place is free: it is given back a moment after the end of another is recorded.</summary>
    public static async Task<Session> OpenWhenFreeAsync(EdgeProcess edge, Way way, ScriptedOrigin listener, string domain)
    {
        var deadline = new Deadline(TimeSpan.FromSeconds(5));
        while (true)
        {
            try
            {
                return await OpenAsync(edge, way, listener, domain);
            }
            catch (WireException) when (deadline.Left > TimeSpan.Zero)
            {
                await Task.Delay(20);
            }
        }
    }

    /// <summary>The document that sessions of a way use: the origin's protocol follows the client, except under HTTP/2.</summary>
    public static DomainDocument Document(Way way, string domain, params int[] ports)
        => new DomainDocument(domain, ports).Set("originProtocol", way == Way.Http2 ? "http" : "follow");

    /// <summary>Changes the domain's document and puts it again; the change is in force when this returns.</summary>
    public async Task ChangeAsync(Action<DomainDocument> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        var document = _document ?? throw new InvalidOperationException("The session was opened without a document of its own.");
        change(document);
        await Edge.Admin.PutDomainAsync(document);
    }

    /// <summary>Sends a message each way and waits for it, so that both directions are known to run.</summary>
    public async Task GreetAsync()
    {
        await PassUpAsync(WsFrame.Text("hello", WsFrame.ClientKey));
        await PassDownAsync(WsFrame.Text("welcome"));
    }

    /// <summary>The client sends bytes and the origin gets exactly these.</summary>
    public async Task PassUpAsync(byte[] bytes)
    {
        await Client.SendAsync(bytes);
        await Origin.ExpectAsync(bytes);
    }

    /// <summary>The origin sends bytes and the client gets exactly these.</summary>
    public async Task PassDownAsync(byte[] bytes)
    {
        await Origin.SendAsync(bytes);
        await Client.ExpectAsync(bytes);
    }

    /// <summary>The close line of this session, with what it must say.</summary>
    public async Task<LogLine> ExpectEndAsync(string by, string cause, int clientCode, int originCode, string phase = "relaying")
    {
        foreach (var side in (Wire[])[Client, Origin])
        {
            // The edge lingers for sides that do not finish, and records the end after it.
            if (side.Ended is not null)
            {
                await side.DisposeAsync();
            }
        }

        var line = await Edge.WaitForCloseLineAsync(Domain, TimeSpan.FromSeconds(25));
        var got = $"{line.Text("by")} {line.Text("phase")} {line.Text("cause")} {line.Text("clientCode")} {line.Text("originCode")}";
        Assert.Equal($"{by} {phase} {cause} {clientCode} {originCode}", got);
        Assert.Single(Edge.CloseLines(Domain));
        return line;
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Origin.DisposeAsync();
        if (_document is not null)
        {
            await Listener.DisposeAsync();
        }
    }
}

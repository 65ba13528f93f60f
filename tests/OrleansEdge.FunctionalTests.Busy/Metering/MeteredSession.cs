using OrleansEdge.FunctionalTests.Scripted;

namespace OrleansEdge.FunctionalTests.Metering;

/// <summary>A domain with a scripted origin. Sessions open one after another, so that both ends of each are known.</summary>
public sealed class MeteredDomain : IAsyncDisposable
{
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly bool _ownsListener;
    private int _lastSession;

    private MeteredDomain(EdgeProcess edge, Way way, string tenant, string name, ScriptedOrigin listener, bool ownsListener, DomainDocument document)
    {
        Edge = edge;
        Way = way;
        Tenant = tenant;
        Name = name;
        Listener = listener;
        _ownsListener = ownsListener;
        Document = document;
    }

    public EdgeProcess Edge { get; }

    public Way Way { get; }

    public string Tenant { get; }

    public string Name { get; }

    public ScriptedOrigin Listener { get; }

    public DomainDocument Document { get; }

    /// <summary>Makes the domain.</summary>
    /// <param name="edge">Where.</param>
    /// <param name="way">How its clients come.</param>
    /// <param name="tenant">Who is billed.</param>
    /// <param name="change">What differs from a plain document.</param>
    /// <param name="listener">The origin; by default one of its own.</param>
    /// <param name="name">Its name; by default a new one.</param>
    public static async Task<MeteredDomain> CreateAsync(
        EdgeProcess edge, Way way, string tenant, Action<DomainDocument>? change = null, ScriptedOrigin? listener = null, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(edge);
        var origin = listener ?? ScriptedOrigin.Start(tls: way == Way.Tls);
        var document = Session.Document(way, name ?? EdgeProcess.NewDomain(), origin.Port).At("tenant", tenant);
        change?.Invoke(document);
        await edge.Admin.PutDomainAsync(document);
        return new(edge, way, tenant, document.Name, origin, listener is null, document);
    }

    /// <summary>Opens a session.</summary>
    /// <param name="random">Where chance comes from.</param>
    /// <param name="deflate">Whether permessage-deflate is negotiated.</param>
    /// <param name="edgePings">Whether pings are the edge's alone.</param>
    /// <param name="receiveBuffer">Kernel receive buffer of the client; 0: the system's.</param>
    /// <param name="clientReads">False: the client reads nothing until it is told to.</param>
    /// <param name="originReads">False: the origin does not.</param>
    public async Task<MeteredSession> OpenAsync(
        Random random, bool deflate = false, bool edgePings = false, int receiveBuffer = 0, bool clientReads = true, bool originReads = true)
    {
        const string Extension = "permessage-deflate";
        await _opening.WaitAsync();
        try
        {
            var path = $"/{Name}/{++_lastSession}";
            var session = await Session.OpenAsync(
                Edge,
                Way,
                Listener,
                Name,
                handshake => deflate ? (handshake with { Target = path }).With("Sec-WebSocket-Extensions", Extension) : handshake with { Target = path },
                deflate ? $"Sec-WebSocket-Extensions: {Extension}\r\n" : "",
                receiveBuffer: receiveBuffer);
            return new(
                this,
                path,
                new(session.Client, WsFrame.ClientKey, session.Answer.RawHead.Length, random, clientReads) { PingsAreTheEdges = edgePings },
                new(session.Origin, null, session.Request.Raw.Length, random, originReads) { PingsAreTheEdges = edgePings });
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Asks for a session, which the origin does not open.</summary>
    /// <param name="status">What it answers.</param>
    /// <param name="bytes">Of its body.</param>
    /// <returns><see langword="null"/>: the answer was cut off.</returns>
    public async Task<ScriptedResponse?> RefusedByOriginAsync(string status, int bytes)
    {
        var opening = ScriptedClient.HandshakeAsync(Edge, Way, new Handshake(Name));
        await using var origin = (await Listener.AcceptRequestAsync()).Wire;
        var sending = SendAsync(origin, $"HTTP/1.1 {status}\r\nContent-Length: {bytes}\r\n\r\n", WsFrame.Pattern(bytes));
        try
        {
            var (client, answer) = await opening;
            await client.DisposeAsync();
            return answer.Body.Length == bytes ? answer : null;
        }
        catch (WireException)
        {
            return null;
        }
        finally
        {
            await sending;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_ownsListener)
        {
            await Listener.DisposeAsync();
        }
    }

    private static async Task SendAsync(Wire wire, string head, byte[] body)
    {
        try
        {
            await wire.SendAsync(head);
            await wire.SendAsync(body);
        }
        catch (WireCutException)
        {
            // The edge wants no more of it.
        }
    }
}

/// <summary>A session whose two ends count by themselves.</summary>
public sealed class MeteredSession(MeteredDomain domain, string path, MeteredPeer client, MeteredPeer origin) : IAsyncDisposable
{
    public MeteredDomain Domain => domain;

    public MeteredPeer Client => client;

    public MeteredPeer Origin => origin;

    /// <summary>What has to be billed, but for the time: what was sent. The other end has to have it.</summary>
    public Tally Sent => new(client.Attempted, origin.Attempted, client.AttemptedMessages, origin.AttemptedMessages, 1, 0);

    /// <summary>Id of the session in the log and the admin API.</summary>
    public async Task<string> IdAsync()
        => (await domain.Edge.WaitForLogAsync($"`open` for {path}", line => line.Event == "open" && line.Text("path") == path)).Text("id");

    /// <summary>The line that was written at its end.</summary>
    public Task<LogLine> CloseLineAsync()
        => domain.Edge.WaitForLogAsync($"`close` for {path}", line => EdgeProcess.IsClose(line) && line.Text("path") == path, TimeSpan.FromSeconds(25));

    /// <summary>Both ends have all that was sent.</summary>
    public async Task QuietAsync()
    {
        await origin.GotAsync(client.Attempted);
        await client.GotAsync(origin.Attempted);
    }

    /// <summary>One message each way, received.</summary>
    public async Task GreetAsync()
    {
        await client.PlayAsync([new(WsFrame.Text("hello", WsFrame.ClientKey), true)]);
        await origin.PlayAsync([new(WsFrame.Text("welcome"), true)]);
        await QuietAsync();
    }

    /// <summary>The client closes, the origin answers, both read to the end.</summary>
    public async Task CloseAsync()
    {
        await client.CloseAsync(1000);
        await origin.ClosedAsync();
        await origin.CloseAsync(1000);
        await Task.WhenAll(client.EndedAsync(), origin.EndedAsync());
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        await origin.DisposeAsync();
    }
}

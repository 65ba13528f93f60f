using Microsoft.Playwright;
using OrleansEdge.Testing;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace OrleansEdge.EndToEnd;

/// <summary>Chromium on the demo page of an edge as it is started first.</summary>
public sealed class BrowserTests(DemoBrowser demo) : IClassFixture<DemoBrowser>
{
    /// <summary>Ways to the page, and the protocol that the browser's WebSocket takes there.</summary>
    public static TheoryData<string, string> Ways { get; } = new()
    {
        { "http", "http/1.1" },
        // Over TLS the page has come over HTTP/2, and Chromium opens the WebSocket on that connection (RFC 8441).
        { "https", "h2" },
    };

    [PeerTheory("chromium")]
    [MemberData(nameof(Ways))]
    public async Task CommentTypedInOnePage_AppearsInTheOther(string scheme, string protocol)
    {
        await using var visit = await demo.VisitAsync(scheme);
        var (first, second) = (await visit.OpenPageAsync(), await visit.OpenPageAsync());
        foreach (var page in (IPage[])[first, second])
        {
            await Expect(page.Locator("#state")).ToHaveTextAsync("Connected");
        }

        var sessions = await demo.Edge.Admin.ListSessionsAsync("localhost");
        Assert.Equal([protocol, protocol], sessions.Select(session => session.GetProperty("protocol").GetString()));

        await CommentAsync(first, "Ada", $"Hello over {scheme} 👋");
        await AssertCommentAsync(second, "Ada", $"Hello over {scheme} 👋");
        await CommentAsync(second, "Grace", $"Hello back <b>over</b> {scheme}");
        await AssertCommentAsync(first, "Grace", $"Hello back <b>over</b> {scheme}");
    }

    [PeerTheory("chromium")]
    [MemberData(nameof(Ways))]
    public async Task DomainIsTurnedOffAndOn_PageShowsCodeAndReasonAndComesBack(string scheme, string protocol)
    {
        await using var visit = await demo.VisitAsync(scheme);
        var page = await visit.OpenPageAsync();
        await Expect(page.Locator("#state")).ToHaveTextAsync("Connected");

        // The page tries again at once and is refused, so what it shows first must be looked for while it happens.
        var shown = page.WaitForFunctionAsync(
            """
            () => document.querySelector('#state').textContent === 'Disconnected'
              && document.querySelector('#detail').textContent.startsWith('closed with code 1008 (domain disabled)')
            """);
        await demo.SwitchWebSocketAsync(on: false);
        await shown;
        var closed = await demo.Edge.WaitForAccessLogAsync(
            entry => entry.GetProperty("event").GetString() == "close" && entry.GetProperty("cause").GetString() == "domain_disabled",
            "Access log entry \"close\" for domain_disabled");
        Assert.Equal(
            ("operator", 1008, 1001),
            (closed.GetProperty("by").GetString(), closed.GetProperty("clientCode").GetInt32(), closed.GetProperty("originCode").GetInt32()));

        await demo.SwitchWebSocketAsync(on: true);
        await Expect(page.Locator("#state")).ToHaveTextAsync("Connected");
        var session = Assert.Single(await demo.Edge.Admin.ListSessionsAsync("localhost"));
        Assert.Equal(protocol, session.GetProperty("protocol").GetString());
    }

    private static async Task CommentAsync(IPage page, string name, string text)
    {
        await page.GetByLabel("Name").FillAsync(name);
        await page.GetByLabel("Comment", new() { Exact = true }).FillAsync(text);
        await page.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
    }

    private static async Task AssertCommentAsync(IPage page, string name, string text)
    {
        var comment = page.GetByRole(AriaRole.Log).GetByRole(AriaRole.Listitem).Last;
        await Expect(comment.Locator(".text")).ToHaveTextAsync(text);
        await Expect(comment.Locator(".name")).ToHaveTextAsync(name);
    }
}

/// <summary>An edge with its demo, and a browser. Both start with the first visit, which a skipped test never makes.</summary>
public sealed class DemoBrowser : IAsyncLifetime
{
    private readonly TestCertificates _certificates = new();
    private EdgeProcess? _edge;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>The edge.</summary>
    public EdgeProcess Edge => _edge!;

    /// <summary>Turns WebSocket on or off for the demo's domain.</summary>
    public Task SwitchWebSocketAsync(bool on)
        => Edge.Admin.ChangeDomainAsync("localhost", document => document["webSocket"]!["enabled"] = on);

    /// <summary>Begins a visit to the page over a scheme.</summary>
    public async Task<Visit> VisitAsync(string scheme)
    {
        _edge ??= await StartEdgeAsync();
        _browser ??= await StartBrowserAsync();
        await SwitchWebSocketAsync(on: true);
        var port = scheme == "https" ? _edge.EdgeTls!.Port : _edge.Edge.Port;
        var context = await _browser.NewContextAsync(new() { IgnoreHTTPSErrors = true });
        return new(context, $"{scheme}://localhost:{port}/", _edge);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        if (_edge is not null)
        {
            await _edge.DisposeAsync();
        }

        _certificates.Dispose();
    }

    private async Task<EdgeProcess> StartEdgeAsync()
    {
        var directory = Path.Combine(_certificates.Directory, "edge");
        _certificates.Issue(directory, "localhost");
        return await EdgeProcess.StartAsync(new() { Demo = true, CertificateDirectory = directory });
    }

    private async Task<IBrowser> StartBrowserAsync()
    {
        _playwright = await Playwright.CreateAsync();
        return await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Peers.Program("chromium"),
            Args =
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
            ],
        });
    }
}

/// <summary>Pages of one visit. Disposing closes them and waits until their sessions are gone, so that the next test finds none.</summary>
public sealed class Visit(IBrowserContext context, string address, EdgeProcess edge) : IAsyncDisposable
{
    private int _pages;

    /// <summary>Opens the demo page in a new tab.</summary>
    public async Task<IPage> OpenPageAsync()
    {
        _pages++;
        var page = await context.NewPageAsync();
        await page.GotoAsync(address);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        await context.DisposeAsync();
        for (; _pages > 0; _pages--)
        {
            await edge.WaitForAccessLogAsync(entry => entry.GetProperty("event").GetString() == "close", "Access log entry \"close\" of a page");
        }
    }
}

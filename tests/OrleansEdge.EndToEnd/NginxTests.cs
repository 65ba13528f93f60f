using System.Text.Json.Nodes;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

/// <summary>nginx as an origin that speaks TLS, with Node's <c>ws</c> behind it.</summary>
[Collection(SharedEdgeCollection.Name)]
public sealed class NginxTests(SharedEdge shared)
{
    private const string ServerName = "origin.edge.test";
    private const string Domain = "nginx.edge.test";

    [PeerTheory("nginx", "npm:ws")]
    [InlineData(Via.Nothing)]
    [InlineData(Via.Edge)]
    [InlineData(Via.EdgeTls)]
    public async Task CertificateOfATrustedAuthority_SessionRunsOverTls(Via via)
    {
        await using var nginx = await Nginx.StartAsync(shared.Certificates);
        await using var edge = via == Via.Nothing ? null : await StartTrustingEdgeAsync(nginx.Port, new() { ["serverName"] = ServerName });
        var route = via switch
        {
            Via.Nothing => new(ServerName, new($"https://{ServerName}:{nginx.Port}"), null),
            Via.Edge => new Route(Domain, new($"http://{Domain}:{edge!.Edge.Port}"), edge),
            _ => new Route(Domain, new($"https://{Domain}:{edge!.EdgeTls!.Port}"), edge),
        };
        await using var client = await ConnectAsync(route);
        await client.WaitForSuccessAsync("open");
        var accepted = await nginx.WebSockets.WaitForAsync("connection");
        var headers = accepted.GetProperty("headers");
        Assert.Equal((ServerName, "TLSv1.3"), (headers.GetProperty("x-server-name").GetString(), headers.GetProperty("x-tls").GetString()));

        var (up, down) = (new WebSocketEnd(client, 0), new WebSocketEnd(nginx.WebSockets, 0));
        var bytes = new byte[1 << 20];
        new Random(1).NextBytes(bytes);
        await up.SendBinaryAsync(bytes);
        await down.AssertBinaryAsync(bytes);
        await down.SendBinaryAsync(bytes);
        await up.AssertBinaryAsync(bytes);
        await up.CloseAsync(1000, "done");
        await down.AssertClosedAsync(1000, "done");
        await route.AssertEndAsync("client", "client_close", 1000, 1000);
    }

    [PeerFact("nginx", "npm:ws")]
    public async Task NginxIsKilled_ClientGets1014()
    {
        await using var nginx = await Nginx.StartAsync(shared.Certificates);
        var route = await shared.RouteAsync(Via.EdgeTls, nginx.Port, new() { ["originProtocol"] = "follow" }, new() { ["verify"] = false });
        await using var client = await ConnectAsync(route);
        await client.WaitForSuccessAsync("open");
        await nginx.DisposeAsync();
        await new WebSocketEnd(client, 0).AssertClosedAsync(1014, "origin lost");
        await route.AssertEndAsync("origin", "origin_lost", 1014, 0);
    }

    [PeerFact("nginx", "npm:ws")]
    public async Task CertificateForAnotherName_IsRefused()
    {
        await using var nginx = await Nginx.StartAsync(shared.Certificates);
        await using var edge = await StartTrustingEdgeAsync(nginx.Port, new() { ["serverName"] = "other.edge.test" });
        await AssertRefusedAsync(new(Domain, new($"http://{Domain}:{edge.Edge.Port}"), edge));
    }

    [PeerFact("nginx", "npm:ws")]
    public async Task CertificateOfAnUnknownAuthority_IsRefused()
    {
        await using var nginx = await Nginx.StartAsync(shared.Certificates);
        await AssertRefusedAsync(await RouteToAsync(nginx, verify: true));
    }

    [PeerFact("nginx", "npm:ws")]
    public async Task CertificateThatNobodyVerifies_IsTaken()
    {
        await using var nginx = await Nginx.StartAsync(shared.Certificates);
        await using var client = await ConnectAsync(await RouteToAsync(nginx, verify: false));
        await client.WaitForSuccessAsync("open");
        await new WebSocketEnd(client, 0).SendTextAsync("hello");
        await new WebSocketEnd(nginx.WebSockets, 0).AssertTextAsync("hello");
    }

    private static async Task AssertRefusedAsync(Route route, ProcessPeer client)
    {
        var refused = await client.WaitForAsync("refused");
        Assert.Equal(502, refused.GetProperty("status").GetInt32());
        Assert.Equal("origin_tls", (string?)JsonNode.Parse(refused.GetProperty("body").GetString()!)!["code"]);
        Assert.Contains("error=tls_certificate_error", refused.GetProperty("headers").GetProperty("proxy-status").GetString(), StringComparison.Ordinal);
        Assert.Equal("origin_tls", (await route.WaitForAccessLogAsync("refused")).GetProperty("cause").GetString());
    }

    private async Task AssertRefusedAsync(Route route)
    {
        await using var client = await ConnectAsync(route);
        await AssertRefusedAsync(route, client);
    }

    private Task<Route> RouteToAsync(Nginx nginx, bool verify)
        => shared.RouteAsync(
            Via.Edge, nginx.Port, new() { ["originProtocol"] = "https" }, new() { ["serverName"] = ServerName, ["verify"] = verify });

    private async Task<ProcessPeer> ConnectAsync(Route route)
    {
        var (client, _) = await WebSocketPair.StartAsync(Library.Ws, "client", shared.Certificates);
        await client.SendAsync(new() { ["do"] = "connect", ["id"] = 0, ["url"] = route.WebSocket() });
        return client;
    }

    /// <summary>An edge whose system trusts the tests' authority.</summary>
    private async Task<EdgeProcess> StartTrustingEdgeAsync(int originPort, JsonObject originTls)
    {
        var directory = Path.Combine(shared.Certificates.Directory, "trusting edge");
        shared.Certificates.Issue(directory, Domain);
        var edge = await EdgeProcess.StartAsync(new()
        {
            CertificateDirectory = directory,
            Environment = new Dictionary<string, string?> { ["SSL_CERT_FILE"] = shared.Certificates.AuthorityFile },
        });
        await edge.Admin.PutTenantAsync("acme");
        await edge.Admin.PutDomainAsync(Domain, originPort, "acme", new() { ["originProtocol"] = "https" }, originTls);
        return edge;
    }

    private sealed class Nginx : IAsyncDisposable
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("orleans-edge-nginx-");
        private ChildProcess? _process;

        private Nginx(ProcessPeer webSockets) => WebSockets = webSockets;

        public int Port { get; } = FreePort.Find();

        /// <summary>The server behind it.</summary>
        public ProcessPeer WebSockets { get; }

        public static async Task<Nginx> StartAsync(TestCertificates certificates)
        {
            var (server, port) = await WebSocketPair.StartAsync(Library.Ws, "server", certificates);
            var nginx = new Nginx(server);
            var files = certificates.Issue(nginx._directory.FullName, ServerName);
            var configuration = Path.Combine(nginx._directory.FullName, "nginx.conf");
            await File.WriteAllTextAsync(configuration, nginx.Configuration(files, port));
            nginx._process = ChildProcess.Start(
                "nginx", Peers.Program("nginx"), ["-p", nginx._directory.FullName, "-c", configuration, "-e", "stderr"]);
            await nginx._process.Errors.TakeAsync(line => line.Contains("start worker process ", StringComparison.Ordinal) ? line : null, "nginx's line \"start worker process\"");
            return nginx;
        }

        public async ValueTask DisposeAsync()
        {
            if (_process is null)
            {
                return;
            }

            await _process.DisposeAsync();
            _process = null;
            await WebSockets.DisposeAsync();
            _directory.Delete(recursive: true);
        }

        private string Configuration((string Certificate, string Key) files, int webSocketPort) => $$"""
            daemon off;
            worker_processes 1;
            pid nginx.pid;
            error_log stderr notice;
            events { worker_connections 256; }
            http {
              access_log off;
              client_body_temp_path body;
              proxy_temp_path proxy;
              fastcgi_temp_path fastcgi;
              uwsgi_temp_path uwsgi;
              scgi_temp_path scgi;
              server {
                listen 127.0.0.1:{{Port}} ssl;
                ssl_protocols TLSv1.3;
                ssl_certificate {{files.Certificate}};
                ssl_certificate_key {{files.Key}};
                location / {
                  proxy_pass http://127.0.0.1:{{webSocketPort}};
                  proxy_http_version 1.1;
                  proxy_set_header Upgrade $http_upgrade;
                  proxy_set_header Connection upgrade;
                  proxy_set_header Host $http_host;
                  proxy_set_header X-Server-Name $ssl_server_name;
                  proxy_set_header X-Tls $ssl_protocol;
                }
              }
            }
            """;
    }
}

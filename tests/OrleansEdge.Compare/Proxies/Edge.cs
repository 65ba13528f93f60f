using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace OrleansEdge.Compare.Proxies;

/// <summary>The edge as <c>dotnet build -c Release</c> makes it, with everything on: strict policing, idle time-outs, metering, access
/// log.</summary>
/// <param name="assembly">Path of <c>OrleansEdge.Standalone.dll</c>.</param>
/// <param name="adminPort">Where its admin API listens.</param>
internal sealed class Edge(string assembly, int adminPort) : Proxy
{
    public override string Name => "OrleansEdge";

    public override string? Version
    {
        get
        {
            using var process = Process.Start(new ProcessStartInfo("dotnet", [assembly, "--version"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
            return process.StandardOutput.ReadLine();
        }
    }

    protected override ProcessStartInfo CommandIn(string folder, int port, int originPort) => Command(
        folder,
        "dotnet",
        assembly,
        $"--Edge:DataDirectory={folder}/data",
        $"--Edge:AccessLog:Path={folder}/access.log",
        "--Edge:Relay:Threads=1",
        "--Edge:Drain:Delay=00:00:00",
        "--Edge:Drain:Window=00:00:00",
        "--Edge:Drain:Grace=00:00:01",
        $"--Kestrel:Endpoints:Edge:Url=http://127.0.0.1:{port}",
        $"--Kestrel:Endpoints:Admin:Url=http://127.0.0.1:{adminPort}");

    protected override async Task PrepareAsync(string folder, int originPort)
    {
        using var admin = new HttpClient { BaseAddress = new($"http://127.0.0.1:{adminPort}/api/v1/") };
        await PutAsync(admin, "tenants/bench", new() { ["tenant"] = "bench", ["name"] = "Benchmark" });
        await PutAsync(admin, $"domains/{Host}", new()
        {
            ["domain"] = Host,
            ["tenant"] = "bench",
            ["webSocket"] = new JsonObject { ["timeoutSeconds"] = 300 },
            ["origins"] = new JsonArray(new JsonObject { ["address"] = "127.0.0.1", ["httpPort"] = originPort }),
        });
    }

    private static async Task PutAsync(HttpClient admin, string path, JsonObject document)
    {
        using var answer = await admin.PutAsJsonAsync(path, document);
        answer.EnsureSuccessStatusCode();
    }
}

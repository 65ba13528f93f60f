using Microsoft.Extensions.Options;
using OrleansEdge.Admin;
using OrleansEdge.Admin.Access;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Hosting.Startup;
using OrleansEdge.Model;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Standalone.Startup;

/// <summary>What a start prints: where the process listens, where its data lies, and what to do next.</summary>
internal static class StandaloneReport
{
    public static async Task PrintAsync(IServiceProvider services)
    {
        var report = new StartReport(
            services, (EdgeEndpoints.Edge, "edge"), (EdgeEndpoints.EdgeTls, "edge tls"), (EdgeEndpoints.Admin, "admin"), (EdgeEndpoints.Health, "health"));
        report.Add("data", services.GetRequiredService<IOptions<DataOptions>>().Value.DataPath);
        var control = services.GetRequiredService<IControlPlane>();
        if ((await control.Domains.GetAsync("localhost", default)).Failure is null && report.Endpoints.TryGetValue(EdgeEndpoints.Edge, out var edge))
        {
            report.Add("page", $"http://localhost:{new Uri(edge).Port}/");
        }

        await AddExampleAsync(report, services, control);
        await report.AddLine("Ready.").PrintAsync();
    }

    private static async Task AddExampleAsync(StartReport report, IServiceProvider services, IControlPlane control)
    {
        var tenants = await control.Tenants.ListAsync(new PageRequest(null, 1), default);
        var tenant = tenants.Failure is null ? tenants.Value.Items.Select(found => found.Tenant).FirstOrDefault() : null;
        var key = services.GetRequiredService<IOptions<AdminOptions>>().Value.Keys.Count > 0 ? "-H 'Authorization: Bearer KEY' " : "";
        var api = Reachable(report.Endpoints[EdgeEndpoints.Admin]) + AdminApi.BasePath;
        report.AddLine("Add a domain:");
        if (tenant is null)
        {
            tenant = "acme";
            report.AddLine(Put(key, $"{api}/tenants/{tenant}", $$"""{"tenant":"{{tenant}}","name":"Acme Ltd"}"""));
        }

        report.AddLine(Put(key, $"{api}/domains/chat.example.com",
            $$"""{"domain":"chat.example.com","tenant":"{{tenant}}","origins":[{"address":"127.0.0.1","httpPort":3000}]}"""));
    }

    private static string Put(string key, string url, string json) => $"  curl -X PUT {url} {key}-H 'Content-Type: application/json' -d '{json}'";

    private static string Reachable(string url)
    {
        var address = new UriBuilder(url);
        address.Host = address.Host is "[::]" or "0.0.0.0" ? "127.0.0.1" : address.Host;
        return address.Uri.GetLeftPart(UriPartial.Authority);
    }
}

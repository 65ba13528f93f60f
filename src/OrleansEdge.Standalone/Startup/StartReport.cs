using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using OrleansEdge.Admin;
using OrleansEdge.Admin.Access;
using OrleansEdge.Model;
using OrleansEdge.Relay.Transport;
using OrleansEdge.Standalone.Settings;
using OrleansEdge.Standalone.Telemetry;

namespace OrleansEdge.Standalone.Startup;

/// <summary>What a start prints: where the process listens, where its data lies, and what to do next.</summary>
internal static class StartReport
{
    private static readonly string[] Order = [EdgeEndpoints.Edge, EdgeEndpoints.EdgeTls, EdgeEndpoints.Admin, EdgeEndpoints.Health];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Prints to standard output. A reader that is slow or gone holds nothing up.</summary>
    public static async Task PrintAsync(IServiceProvider services)
    {
        var text = Encoding.UTF8.GetBytes(await RenderAsync(services));
        var printing = Task.Run(() =>
        {
            using var output = Console.OpenStandardOutput();
            output.Write(text);
        });
        await Task.WhenAny(printing, Task.Delay(Patience));
    }

    private static async Task<string> RenderAsync(IServiceProvider services)
    {
        var endpoints = Endpoints(services);
        var text = new StringBuilder();
        text.AppendLine($"OrleansEdge {TelemetryService.Version}");
        foreach (var name in Order.Where(endpoints.ContainsKey))
        {
            Line(text, Word(name), endpoints[name]);
        }

        Line(text, "data", services.GetRequiredService<IOptions<EdgeOptions>>().Value.DataPath);
        var control = services.GetRequiredService<IControlPlane>();
        if ((await control.Domains.GetAsync("localhost", default)).Failure is null && endpoints.TryGetValue(EdgeEndpoints.Edge, out var edge))
        {
            Line(text, "page", $"http://localhost:{new Uri(edge).Port}/");
        }

        await AddExampleAsync(text, endpoints[EdgeEndpoints.Admin], services, control);
        text.AppendLine("Ready.");
        return text.ToString();
    }

    /// <summary>Kestrel binds the endpoints, and lists their addresses, in the order of their names.</summary>
    private static Dictionary<string, string> Endpoints(IServiceProvider services)
    {
        var urls = services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        var names = EndpointSettings.Names(services.GetRequiredService<IConfiguration>());
        return names.Zip(urls).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.OrdinalIgnoreCase);
    }

    private static void Line(StringBuilder text, string name, string value) => text.AppendLine($"  {name,-8} {value}");

    private static string Word(string endpoint) => endpoint switch
    {
        EdgeEndpoints.EdgeTls => "edge tls",
        _ => endpoint.ToLowerInvariant(),
    };

    private static async Task AddExampleAsync(StringBuilder text, string adminUrl, IServiceProvider services, IControlPlane control)
    {
        var tenants = await control.Tenants.ListAsync(new PageRequest(null, 1), default);
        var tenant = tenants.Failure is null ? tenants.Value.Items.Select(found => found.Tenant).FirstOrDefault() : null;
        var key = services.GetRequiredService<IOptions<AdminOptions>>().Value.Keys.Count > 0 ? "-H 'Authorization: Bearer KEY' " : "";
        var api = Reachable(adminUrl) + AdminApi.BasePath;
        text.AppendLine("Add a domain:");
        if (tenant is null)
        {
            tenant = "acme";
            Put(text, key, $"{api}/tenants/{tenant}", $$"""{"tenant":"{{tenant}}","name":"Acme Ltd"}""");
        }

        Put(text, key, $"{api}/domains/chat.example.com",
            $$"""{"domain":"chat.example.com","tenant":"{{tenant}}","origins":[{"address":"127.0.0.1","httpPort":3000}]}""");
    }

    private static void Put(StringBuilder text, string key, string url, string json)
        => text.AppendLine($"  curl -X PUT {url} {key}-H 'Content-Type: application/json' -d '{json}'");

    private static string Reachable(string url)
    {
        var address = new UriBuilder(url);
        address.Host = address.Host is "[::]" or "0.0.0.0" ? "127.0.0.1" : address.Host;
        return address.Uri.GetLeftPart(UriPartial.Authority);
    }
}

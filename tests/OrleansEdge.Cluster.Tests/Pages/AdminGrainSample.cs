using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using OrleansEdge.Contracts;

namespace OrleansEdge.Cluster.Tests.Pages;

/// <summary>The program of docs/admin-grain.md: the lines above and the body of its method, which <see cref="AdminGrainPageTests"/>
/// compares with the page.</summary>
internal static class AdminGrainSample
{
    public static async Task RunAsync(string redis)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.UseOrleansClient(client => client
            .UseRedisClustering(redis)
            .Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = ("orleansedge", "orleansedge")));
        using var host = builder.Build();
        await host.StartAsync();
        var admin = host.Services.GetRequiredService<IGrainFactory>().GetGrain<IAdminGrain>(0);

        var always = new PreconditionWire(IfMatch: null, IfNoneMatch: false, MustExist: false);
        await admin.PutTenantAsync("acme", """{ "tenant": "acme", "name": "Acme Ltd" }"""u8.ToArray(), always, by: "anna");
        var document = """{ "domain": "chat.example.com", "tenant": "acme", "origins": [ { "address": "127.0.0.1", "httpPort": 3000 } ] }"""u8;
        var put = await admin.PutDomainAsync("chat.example.com", document.ToArray(), always, by: "anna");
        Console.WriteLine(put.Failure is { } failure ? $"{failure.Code}: {failure.Detail}" : $"chat.example.com has version {put.Value!.Version}");

        var gateways = await admin.ListGatewaysAsync(new(After: null, Limit: 100));
        foreach (var gateway in gateways.Value?.Items ?? [])
        {
            var sessions = await admin.ListSessionsAsync(new(Domain: null, Tenant: "acme", gateway.Name), new(After: null, Limit: 100));
            Console.WriteLine($"{gateway.Name} is {gateway.State}, sessions of acme: {sessions.Value?.Items.Length}");
        }

        await host.StopAsync();
    }
}

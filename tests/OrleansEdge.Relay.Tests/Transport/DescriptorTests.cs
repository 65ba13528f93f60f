using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OrleansEdge.Relay.Transport;
using Xunit;

namespace OrleansEdge.Relay.Tests.Transport;

/// <summary>More connections than descriptors. Counts descriptors of this process, so nothing else may run meanwhile.</summary>
[CollectionDefinition("Descriptors", DisableParallelization = true)]
[Collection("Descriptors")]
public sealed class DescriptorTests
{
    private const string Request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    [Fact]
    public async Task ProcessIsOutOfDescriptors_ClientsAreToldAndLaterServed()
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(DescriptorTests).Assembly.Location, OutOfDescriptors.Argument])
        {
            RedirectStandardError = true,
            // Its background compiling would start threads whenever it likes.
            Environment = { ["DOTNET_TieredCompilation"] = "0" },
            UseShellExecute = false,
        })!;
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(60));

        var errors = await process.StandardError.ReadToEndAsync(late.Token);
        await process.WaitForExitAsync(late.Token);

        Assert.True(process.ExitCode == 0, errors);
    }

    [Fact]
    public async Task DescriptorsAreSpent_ClientsAreToldAdminIsServedAndLaterAllAre()
    {
        await using var server = await EdgeServer.StartAsync(
            context => context.Response.WriteAsync("served"), services: services => services.AddSingleton(SmallBudget(room: 60)));
        var held = new List<RawClient>();
        while (held.Count < 100 && await IsServedAsync(server, held))
        {
        }

        Assert.InRange(held.Count, 10, 60);
        AssertIsRefusal(await AskAsync(server.ConnectAsync()));
        Assert.Contains("served", await AskAsync(server.ConnectAsync(EdgeEndpoints.Admin)), StringComparison.Ordinal);
        Assert.Single(server.Log.Of(1005));

        held.ForEach(client => client.Dispose());
        await ConnectionEndTests.UntilAsync(() => AskAsync(server.ConnectAsync()).Result.Contains("served", StringComparison.Ordinal));
    }

    [Fact]
    public async Task DescriptorsAreSpentAndManyComeAtOnce_HeadroomIsNotEaten()
    {
        var budget = SmallBudget(room: 0);
        await using var server = await EdgeServer.StartAsync(_ => Task.CompletedTask, services: services => services.AddSingleton(budget));
        var before = OpenDescriptors();
        var silent = new List<RawClient>();
        var most = 0;
        for (var i = 0; i < 300; i++)
        {
            silent.Add(await server.ConnectAsync());
            // The clients' own sockets are in this process too.
            most = Math.Max(most, OpenDescriptors() - before - silent.Count);
        }

        silent.ForEach(client => client.Dispose());
        Assert.InRange(most, 0, 40);
    }

    [Fact]
    public async Task DescriptorsAreSpentAndTheClientSpeaksTls_Closed()
    {
        using var certificates = new CertificateDirectory();
        certificates.Write("default", "localhost");
        await using var server = await EdgeServer.StartAsync(
            _ => Task.CompletedTask, certificates.Use, services => services.AddSingleton(SmallBudget(room: 0)));
        using var client = await server.ConnectAsync(EdgeEndpoints.EdgeTls);

        Assert.Empty(await client.ReadToEndAsync());
        Assert.Single(server.Log.Of(1005));
    }

    [Theory]
    [InlineData(64, 16)]
    [InlineData(1024, 448)]
    [InlineData(20000, 9488)]
    [InlineData(long.MaxValue, (1 << 23) - 512)]
    public void Limit_DecidesTheNumberOfSessions(long limit, int sessions)
    {
        Assert.Equal(sessions, new DescriptorBudget(limit).MaxSessions);
    }

    [Fact]
    public void Limit_IsTheMostThatTheSystemAllows()
    {
        var limits = File.ReadAllLines("/proc/self/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        var hard = long.Parse(limits.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4]);

        Assert.Equal(Math.Min(hard, 1 << 24), new DescriptorBudget().Limit);
    }

    internal static async Task<string> AskAsync(Task<RawClient> connecting)
    {
        using var client = await connecting;
        await client.SendAsync(Request.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", StringComparison.Ordinal));
        return await client.ReadToEndAsync();
    }

    internal static void AssertIsRefusal(string answer)
    {
        Assert.StartsWith("HTTP/1.1 503 Service Unavailable\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nRetry-After: 1\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nProxy-Status: OrleansEdge; error=proxy_internal_error\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: application/problem+json\r\n", answer, StringComparison.Ordinal);
        var body = System.Text.Json.JsonDocument.Parse(answer.Split("\r\n\r\n", 2)[1]).RootElement;
        Assert.Equal("edge_overloaded", body.GetProperty("code").GetString());
        Assert.Equal(503, body.GetProperty("status").GetInt32());
    }

    private static async Task<bool> IsServedAsync(EdgeServer server, List<RawClient> held)
    {
        var client = await server.ConnectAsync();
        await client.SendAsync(Request);
        held.Add(client);
        return (await client.ReadToAsync("\r\n\r\n")).StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
    }

    // A budget that is spent when about that many more descriptors are open in this process.
    private static DescriptorBudget SmallBudget(int room)
    {
        var open = Directory.GetFiles("/proc/self/fd").Select(path => int.Parse(Path.GetFileName(path))).ToHashSet();
        return new DescriptorBudget(Enumerable.Range(0, int.MaxValue).Where(number => !open.Contains(number)).ElementAt(room) + 96);
    }

    private static int OpenDescriptors() => Directory.GetFiles("/proc/self/fd").Length;
}

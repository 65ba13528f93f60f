using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OrleansEdge.Admin.Access;

namespace OrleansEdge.Admin.Tests;

public class AdminOptionsTests
{
    private const string Hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    [Fact]
    public void BadKeys_AllFaultsAreListedWithoutTheirValues()
    {
        var failure = Assert.Throws<OptionsValidationException>(() => Read(("", Hash), ("a", "secret-key"), ("a", Hash.ToUpperInvariant()), ("b", Hash[1..] + "g")));

        Assert.Equal(
            [
                "Edge:Admin:Keys:0:Name is missing.",
                "Edge:Admin:Keys:1:Sha256 is not 64 hexadecimal digits.",
                "Edge:Admin:Keys:2:Name is used twice.",
                "Edge:Admin:Keys:2:Sha256 is that of another key.",
                "Edge:Admin:Keys:3:Sha256 is not 64 hexadecimal digits.",
            ],
            failure.Failures);
    }

    [Fact]
    public void GoodKeys_AreRead()
    {
        var options = Read(("ci", Hash), ("anna", Hash.Replace('9', 'A')));

        Assert.Equal(["ci", "anna"], options.Keys.Select(key => key.Name));
    }

    [Theory]
    [InlineData("http://127.0.0.1:8081", true)]
    [InlineData("http://localhost:8081", true)]
    [InlineData("https://[::1]:8081", true)]
    [InlineData("http://0.0.0.0:8081", false)]
    [InlineData("http://[::]:8081", false)]
    [InlineData("http://10.0.0.1:8081", false)]
    [InlineData("http://edge.example.com:8081", false)]
    public void EndpointThatOthersReach_NeedsAKey(string address, bool allowed)
    {
        Uri[] addresses = [new("http://127.0.0.1:8081"), new(address)];

        var fault = new AdminOptions().CheckEndpoints(addresses);

        Assert.Equal(allowed, fault is null);
        Assert.True(allowed || fault!.Contains(address, StringComparison.Ordinal));
        Assert.Null(new AdminOptions { Keys = [new() { Name = "ci", Sha256 = Hash }] }.CheckEndpoints(addresses));
    }

    [Fact]
    public async Task BadKeys_StopTheStart()
    {
        await Assert.ThrowsAsync<OptionsValidationException>(() => AdminServer.StartAsync([("same", "a"), ("same", "b")]));
    }

    private static AdminOptions Read(params (string Name, string Sha256)[] keys)
    {
        var settings = keys.SelectMany((key, i) => new KeyValuePair<string, string?>[]
        {
            new($"Edge:Admin:Keys:{i}:name", key.Name),
            new($"Edge:Admin:Keys:{i}:sha256", key.Sha256),
        });
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        using var services = new ServiceCollection().AddLogging().AddAdminApi(configuration).BuildServiceProvider();
        return services.GetRequiredService<IOptions<AdminOptions>>().Value;
    }
}

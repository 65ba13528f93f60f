using Microsoft.Extensions.Configuration;
using OrleansEdge.Hosting.Settings;
using OrleansEdge.Relay.Draining;
using OrleansEdge.Standalone.Settings;

namespace OrleansEdge.Standalone.Tests.Host;

public sealed class SettingsTests
{
    [Theory]
    [InlineData("Edge:Drain:Windw", "Edge:Drain:Windw is not a setting; the nearest one is Edge:Drain:Window.")]
    [InlineData("Edge:DataDir", "Edge:DataDir is not a setting; the nearest one is Edge:DataDirectory.")]
    [InlineData("Edge:Accesslog:Pth", "Edge:Accesslog:Pth is not a setting; the nearest one is Edge:AccessLog:Path.")]
    [InlineData("Edge:Admin:Keys:0:Sha", "Edge:Admin:Keys:0:Sha is not a setting; the nearest one is Edge:Admin:Keys:[]:Sha256.")]
    public void UnknownKey_NamesTheNearest(string key, string fault) => Assert.Equal([fault], Check((key, "1")).Faults);

    [Theory]
    [InlineData("Edge:Drain:Window", "abc", "is not a time")]
    [InlineData("Edge:Drain:Window", "-1", "is not a time")]
    [InlineData("Edge:Drain:Window", "-00:00:01", "is not a time")]
    [InlineData("Edge:Drain:Window", "1e99", "is not a time")]
    [InlineData("Edge:Demo:Enabled", "maybe", "is not true or false")]
    [InlineData("Edge:Demo:Port", "70000", "is not a whole number in its range")]
    [InlineData("Edge:Limits:MaxSessions", "many", "is not a whole number in its range")]
    public void ValueThatDoesNotFit_IsAFaultThatNamesKeyAndValue(string key, string value, string reason)
    {
        var fault = Assert.Single(Check((key, value)).Faults);
        Assert.StartsWith($"{key} is '{value}', which {reason}", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void SeveralFaults_AreAllListed()
        => Assert.Equal(3, Check(("Edge:X", "1"), ("Edge:Drain:Delay", "soon"), ("Edge:Name:Sub", "1")).Faults.Count);

    [Theory]
    [InlineData("20", 20_000)]
    [InlineData("0.25", 250)]
    [InlineData("00:00:20", 20_000)]
    [InlineData("1.00:00:00", 86_400_000)]
    [InlineData("0", 0)]
    public void PlainNumbers_AreSeconds(string text, long milliseconds)
    {
        var verdict = Check(("Edge:Drain:Window", text));
        Assert.Empty(verdict.Faults);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(verdict.Normalized).Build();
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), configuration.GetSection("Edge:Drain").Get<DrainOptions>()!.Window);
    }

    [Fact]
    public void ListInOneValue_IsSplitAtCommas()
    {
        var verdict = Check(("Edge:TrustedProxies", "10.0.0.0/8, 192.0.2.1"));
        Assert.Empty(verdict.Faults);
        Assert.Equal("10.0.0.0/8", verdict.Normalized["Edge:TrustedProxies:0"]);
        Assert.Equal("192.0.2.1", verdict.Normalized["Edge:TrustedProxies:1"]);
    }

    [Fact]
    public void EveryDocumentedSetting_Exists()
    {
        var documented = File.ReadLines(Path.Combine(Testing.RepositoryFiles.Root, "docs", "settings.md"))
            .Where(line => line.StartsWith("| `Edge:", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1])
            .Order(StringComparer.Ordinal);
        Assert.Equal(EdgeSettings.Process.Schema.Keys.Order(StringComparer.Ordinal), documented);
    }

    [Theory]
    [InlineData("--Edge:Name=a")]
    [InlineData("--Edge:Name", "a")]
    [InlineData("--kestrel:endpoints:edge:url=http://*:80")]
    [InlineData("--OTEL_SERVICE_NAME=x")]
    public void WellFormedArguments_AreNoFault(params string[] args) => Assert.Empty(CommandLine.Check(args, EdgeSettings.Process.Sections));

    [Theory]
    [InlineData("serve")]
    [InlineData("-x=1")]
    [InlineData("--Edge:Name")]
    [InlineData("--Edge:Name", "--Edge:DataDirectory=x")]
    [InlineData("--DataDirectory=x")]
    public void ArgumentThatSetsNothing_IsAFault(params string[] args) => Assert.Single(CommandLine.Check(args, EdgeSettings.Process.Sections));

    private static SettingsVerdict Check(params (string Key, string Value)[] settings)
        => EdgeSettings.Process.Schema.Check(
            new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build(), "Edge");
}

using System.Text.RegularExpressions;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.EndToEnd;

public sealed partial class DocumentationTests
{
    public static TheoryData<string> Pages => [.. Directory
        .EnumerateFiles(RepositoryFiles.Root, "*.md", new EnumerationOptions { RecurseSubdirectories = true })
        .Select(path => Path.GetRelativePath(RepositoryFiles.Root, path))
        .Where(path => !Built().IsMatch(path))];

    [Theory]
    [MemberData(nameof(Pages))]
    public void EveryLinkOfAPage_LeadsSomewhere(string page)
    {
        var directory = Path.GetDirectoryName(Path.Combine(RepositoryFiles.Root, page))!;
        var text = File.ReadAllText(Path.Combine(RepositoryFiles.Root, page));
        foreach (var target in Link().Matches(text).Select(match => match.Groups["target"].Value).Where(target => !target.Contains("://", StringComparison.Ordinal)))
        {
            var path = Path.Combine(directory, target.Split('#')[0]);
            Assert.True(Path.Exists(path), $"{page} links to {target}, which is not there");
        }
    }

    [Fact]
    public void EveryTestThatMeteringNames_IsThere()
    {
        var tests = Directory.EnumerateFiles(Path.Combine(RepositoryFiles.Root, "tests"), "*.cs", new EnumerationOptions { RecurseSubdirectories = true })
            .Where(path => !Built().IsMatch(path)).Select(File.ReadAllText).ToList();
        var named = Test().Matches(File.ReadAllText(Path.Combine(RepositoryFiles.Root, "docs", "metering.md")));
        Assert.NotEmpty(named);
        Assert.All(named, test => Assert.Contains(
            tests,
            text => text.Contains($"class {test.Groups["class"].Value}", StringComparison.Ordinal) && text.Contains($" {test.Groups["method"].Value}(", StringComparison.Ordinal)));
    }

    [GeneratedRegex(@"`(?<class>[A-Z]\w+)\.(?<method>[A-Z]\w+_\w+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Test();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();

    [GeneratedRegex(@"(^|/)(bin|obj|node_modules|TestResults)/", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Built();
}

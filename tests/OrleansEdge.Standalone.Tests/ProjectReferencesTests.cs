using System.Text.Json.Nodes;
using System.Xml.Linq;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests;

/// <summary>Who may reference whom.</summary>
public class ProjectReferencesTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["OrleansEdge.Model"] = [],
        ["OrleansEdge.Relay"] = ["OrleansEdge.Model"],
        ["OrleansEdge.Admin"] = ["OrleansEdge.Model"],
        ["OrleansEdge.Hosting"] = [],
        ["OrleansEdge.Standalone"] = ["OrleansEdge.Admin", "OrleansEdge.Hosting", "OrleansEdge.Model", "OrleansEdge.Relay"],
    };

    private static readonly Dictionary<string, string[]> AllowedInTheCluster = new(StringComparer.Ordinal)
    {
        ["OrleansEdge.Contracts"] = ["OrleansEdge.Model"],
        ["OrleansEdge.Grains"] = ["OrleansEdge.Contracts", "OrleansEdge.Model"],
        ["OrleansEdge.Clustering"] = ["OrleansEdge.Contracts", "OrleansEdge.Hosting", "OrleansEdge.Model"],
        ["OrleansEdge.Gateway"] = ["OrleansEdge.Clustering", "OrleansEdge.Hosting", "OrleansEdge.Relay"],
        ["OrleansEdge.Silo"] = ["OrleansEdge.Admin", "OrleansEdge.Clustering", "OrleansEdge.Grains", "OrleansEdge.Hosting"],
    };

    public static TheoryData<string> WithoutOrleans => [.. Allowed.Keys];

    public static TheoryData<string> All =>
        [.. Directory.EnumerateFiles(Path.Combine(RepositoryFiles.Root, "src"), "*.csproj", SearchOption.AllDirectories).Select(static file => Path.GetFileNameWithoutExtension(file))];

    [Theory]
    [MemberData(nameof(All))]
    public void Project_ReferencesOnlyWhatTheDesignAllows(string project)
        => Assert.All(ReferencesOf(project), reference => Assert.Contains(reference, Allowed.GetValueOrDefault(project) ?? AllowedInTheCluster[project]));

    [Theory]
    [MemberData(nameof(WithoutOrleans))]
    public void Project_DependsOnNoOrleansDirectlyOrNot(string project)
    {
        var libraries = RestoredLibraries(project);

        Assert.DoesNotContain(libraries, IsOrleans);
        Assert.All(libraries.Where(library => library.StartsWith("OrleansEdge.", StringComparison.Ordinal)), library => Assert.Contains(library, Allowed.Keys));
    }

    [Fact]
    public void Model_HasNoPackages()
    {
        Assert.Empty(ProjectFile("OrleansEdge.Model").Descendants("PackageReference"));
        Assert.Empty(ProjectFile("OrleansEdge.Model").Descendants("FrameworkReference"));

        // Analyzers of the whole repository leave nothing in what is built.
        Assert.All(RestoredLibraries("OrleansEdge.Model"), library => Assert.EndsWith(".Analyzer", library, StringComparison.Ordinal));
    }

    [Fact]
    public void Admin_HasNoPackagesButThoseOfAspNetCore()
        => Assert.All(
            ProjectFile("OrleansEdge.Admin").Descendants("PackageReference"),
            package => Assert.StartsWith("Microsoft.AspNetCore.", (string)package.Attribute("Include")!, StringComparison.Ordinal));

    [Fact]
    public void Orleans_IsRecognised()
    {
        Assert.True(IsOrleans("Microsoft.Orleans.Core"));
        Assert.True(IsOrleans("Orleans.Runtime"));
        Assert.False(IsOrleans("OrleansEdge.Model"));
    }

    private static bool IsOrleans(string library)
        => library.StartsWith("Microsoft.Orleans", StringComparison.OrdinalIgnoreCase)
            || library.StartsWith("Orleans.", StringComparison.OrdinalIgnoreCase)
            || library.Equals("Orleans", StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<string> ReferencesOf(string project)
        => ProjectFile(project).Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension((string)reference.Attribute("Include")!));

    private static XDocument ProjectFile(string project) => XDocument.Load(Path.Combine(RepositoryFiles.Root, "src", project, $"{project}.csproj"));

    /// <summary>Names of all packages and projects that a project was restored with, directly or not.</summary>
    private static List<string> RestoredLibraries(string project)
    {
        var assets = JsonNode.Parse(File.ReadAllText(Path.Combine(RepositoryFiles.Root, "src", project, "obj", "project.assets.json")))!;
        return [.. assets["libraries"]!.AsObject().Select(library => library.Key.Split('/')[0])];
    }
}

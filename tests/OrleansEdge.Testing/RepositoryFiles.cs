namespace OrleansEdge.Testing;

/// <summary>Finds files of the repository and what was built beside the running tests.</summary>
public static class RepositoryFiles
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The assembly of a project, built in the configuration of the running tests.</summary>
    /// <param name="project">Folder of the project, such as <c>src/OrleansEdge.Standalone</c>.</param>
    /// <exception cref="FileNotFoundException">It is not built.</exception>
    public static string Built(string project)
    {
        // The tests run from bin/CONFIGURATION/FRAMEWORK/.
        var framework = new DirectoryInfo(AppContext.BaseDirectory);
        var path = Path.Combine(Root, project, "bin", framework.Parent!.Name, framework.Name, $"{Path.GetFileName(project)}.dll");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{project} is not built", path);
    }

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "OrleansEdge.sln")))
            {
                return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException($"no OrleansEdge.sln above {AppContext.BaseDirectory}");
    }
}

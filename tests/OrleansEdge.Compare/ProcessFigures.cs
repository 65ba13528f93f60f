using System.Globalization;

namespace OrleansEdge.Compare;

/// <summary>What a process and its children have used, from <c>/proc</c>.</summary>
internal static class ProcessFigures
{
    /// <summary>A process and all its descendants.</summary>
    public static IReadOnlyList<int> TreeOf(int process)
    {
        var children = new Dictionary<int, List<int>>();
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && ParentOf(id) is { } parent)
            {
                (children.TryGetValue(parent, out var known) ? known : children[parent] = []).Add(id);
            }
        }

        var tree = new List<int> { process };
        for (var i = 0; i < tree.Count; i++)
        {
            tree.AddRange(children.GetValueOrDefault(tree[i]) ?? []);
        }

        return tree;
    }

    /// <summary>Processor time of all threads, as the scheduler counts it.</summary>
    public static TimeSpan ProcessorTime(int process)
    {
        long nanoseconds = 0;
        foreach (var task in TreeOf(process).SelectMany(static id => DirectoriesOf($"/proc/{id}/task")))
        {
            if (TryRead($"{task}/schedstat") is { } text)
            {
                nanoseconds += long.Parse(text.AsSpan(0, text.IndexOf(' ', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
            }
        }

        return TimeSpan.FromMicroseconds(nanoseconds / 1000.0);
    }

    /// <summary>Memory in bytes, shared pages by their share (PSS), swapped ones included.</summary>
    public static long Memory(int process)
    {
        long kibibytes = 0;
        foreach (var line in TreeOf(process).SelectMany(static id => (TryRead($"/proc/{id}/smaps_rollup") ?? "").Split('\n')))
        {
            if (line.StartsWith("Pss:", StringComparison.Ordinal) || line.StartsWith("SwapPss:", StringComparison.Ordinal))
            {
                kibibytes += long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
            }
        }

        return kibibytes * 1024;
    }

    // The name of a program may hold anything, also blanks and brackets.
    private static int? ParentOf(int process)
        => TryRead($"/proc/{process}/stat") is { } text ? int.Parse(text[(text.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture) : null;

    private static string[] DirectoriesOf(string path)
    {
        try
        {
            return Directory.GetDirectories(path);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

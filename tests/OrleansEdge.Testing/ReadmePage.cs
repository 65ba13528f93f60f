namespace OrleansEdge.Testing;

/// <summary>The commands of README.md: blocks that are marked <c>sh</c>.</summary>
public static class ReadmePage
{
    /// <summary>Heading of the section about the cluster.</summary>
    public const string Cluster = "Outgrow one machine";

    /// <summary>The blocks of some sections, in their order.</summary>
    /// <param name="isWanted">Whether the section with a heading is wanted; the text before the first has an empty one.</param>
    public static IReadOnlyList<string> Blocks(Func<string, bool> isWanted)
    {
        var blocks = new List<string>();
        var section = "";
        List<string>? block = null;
        foreach (var line in File.ReadLines(Path.Combine(RepositoryFiles.Root, "README.md")))
        {
            if (line == "```" && block is not null)
            {
                blocks.AddRange(isWanted(section) ? [string.Join('\n', block)] : []);
                block = null;
            }
            else if (block is not null)
            {
                block.Add(line);
            }
            else if (line == "```sh")
            {
                block = [];
            }
            else if (line.StartsWith("## ", StringComparison.Ordinal))
            {
                section = line[3..];
            }
        }

        return blocks;
    }
}

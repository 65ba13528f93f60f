using System.Globalization;
using System.Text.Json;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>One version of a document as it is stored.</summary>
/// <param name="Version">From 1, without gaps.</param>
/// <param name="At">When, UTC.</param>
/// <param name="By">Who.</param>
/// <param name="Action">The word of the audit.</param>
/// <param name="Audit">Id of its line in the audit, which is written after it.</param>
/// <param name="Deleted">Whether it is a deletion.</param>
/// <param name="Document">The document; null for a deletion.</param>
internal sealed record VersionRecord<T>(long Version, DateTimeOffset At, string By, string Action, long Audit, bool Deleted, T? Document)
    where T : class
{
    public VersionEntry<T> ToEntry() => new(Version, At, By, Deleted, Document);
}

/// <summary>The versions of one kind of document: <c>STEM/NUMBER.json</c>, of which the last 50 are kept. A version whose file is
/// there has been made. Changing calls must not overlap; reading may.</summary>
internal sealed class VersionHistory<T>
    where T : class
{
    /// <summary>How many versions of a name are kept.</summary>
    public const int Kept = 50;

    private const string Extension = ".json";

    private static readonly JsonSerializerOptions Json = new(EdgeJson.Options) { WriteIndented = true, NewLine = "\n" };

    private readonly string _folder;
    private readonly ILogger _logger;

    public VersionHistory(DataFolder data, string folder, ILogger logger)
    {
        _folder = data.Folder(out _, "history", folder);
        _logger = logger;
    }

    /// <summary>Stems that have or had a document.</summary>
    public IEnumerable<string> ListStems() => Directory.EnumerateDirectories(_folder).Select(path => Path.GetFileName(path));

    /// <summary>Numbers of the kept versions, newest first.</summary>
    public long[] ListNumbers(string stem)
    {
        var numbers = new List<long>(Kept + 1);
        try
        {
            foreach (var path in Directory.EnumerateFiles(FolderOf(stem), "*" + Extension))
            {
                if (long.TryParse(Path.GetFileNameWithoutExtension(path.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                {
                    numbers.Add(number);
                }
            }
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }

        numbers.Sort(static (a, b) => b.CompareTo(a));
        return [.. numbers];
    }

    /// <summary>A kept version.</summary>
    /// <returns>Null where there is none of that number, or where its file is damaged, which is logged.</returns>
    public VersionRecord<T>? Read(string stem, long number)
    {
        try
        {
            return JsonSerializer.Deserialize<VersionRecord<T>>(File.ReadAllBytes(PathOf(stem, number)), Json);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException damage)
        {
            _logger.VersionDamaged(PathOf(stem, number), damage.Message);
            return null;
        }
    }

    /// <summary>Makes a version: when this returns it is on the disk, when it throws there is none.</summary>
    public void Append(string stem, VersionRecord<T> version, bool flush)
    {
        var path = PathOf(stem, version.Version);
        DurableFile.CreateFolder(FolderOf(stem), flush);
        try
        {
            DurableFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(version, Json), flush);
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Deletes the versions that need not be kept any more.</summary>
    public void Prune(string stem, long newest)
    {
        if (newest <= Kept)
        {
            return;
        }

        try
        {
            File.Delete(PathOf(stem, newest - Kept));
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            _logger.VersionNotPruned(PathOf(stem, newest - Kept), failure.Message);
        }
    }

    private string FolderOf(string stem) => Path.Combine(_folder, stem);

    private string PathOf(string stem, long number)
        => Path.Combine(_folder, stem, number.ToString(CultureInfo.InvariantCulture) + Extension);
}

using System.Diagnostics.CodeAnalysis;
using System.IO.Enumeration;

namespace OrleansEdge.Standalone.ControlPlane;

/// <summary>The files of one kind of document, <c>STEM.json</c>, exactly as a person reads and writes them. A change is prepared
/// in a folder beside it and moved over the file in one step, so the file is the old or the new document at every instant.
/// Changing calls must not overlap.</summary>
internal sealed class DocumentFolder
{
    /// <summary>Most bytes of a document; longer files are not read.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    private const string Extension = ".json";

    private readonly string _folder;
    private readonly string _pending;

    public DocumentFolder(DataFolder data, string folder)
    {
        _folder = data.Folder(out var isNew, folder);
        _pending = data.Folder(out _, "pending", folder);
        IsNew = isNew;
    }

    public string FullPath => _folder;

    /// <summary>Whether the folder was missing.</summary>
    public bool IsNew { get; }

    /// <summary>All documents by stem, hidden files left out.</summary>
    /// <returns>Null where the folder itself is gone, which says nothing about its documents.</returns>
    public Dictionary<string, FileStamp>? List()
    {
        try
        {
            return Enumerate(_folder, static (ref FileSystemEntry entry) => FileStamp.Of(ref entry));
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Whether the folder is there.</summary>
    public bool Exists => Directory.Exists(_folder);

    /// <summary>The stem of a path; null where it is not that of a document in this folder.</summary>
    public string? StemOf(string path)
    {
        var name = Path.GetFileName(path);
        return IsDocument(name) && Path.GetDirectoryName(path) == _folder ? name[..^Extension.Length] : null;
    }

    /// <summary>The file as it is now; the default stamp where it is missing.</summary>
    public FileStamp Stat(string stem) => FileStamp.Of(new FileInfo(PathOf(stem)));

    /// <summary>Reads a document.</summary>
    /// <param name="stem">Its stem.</param>
    /// <param name="content">What the file holds.</param>
    /// <param name="fault">Why it cannot be read; null with content, and where there is no such file.</param>
    public bool TryRead(string stem, [NotNullWhen(true)] out byte[]? content, out string? fault)
    {
        (content, fault) = (null, null);
        try
        {
            using var file = new FileStream(PathOf(stem), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            if (file.Length > MaxBytes)
            {
                fault = $"the file has {file.Length} bytes, {MaxBytes} is the most";
                return false;
            }

            content = new byte[file.Length];
            file.ReadExactly(content);
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            content = null;
            fault = $"the file cannot be read: {failure.Message}";
            return false;
        }
    }

    /// <summary>Lays down what a file is to become; nothing: that it is to go.</summary>
    public void Prepare(string stem, ReadOnlySpan<byte> content) => DurableFile.Replace(PendingOf(stem), content);

    /// <summary>Does what was prepared. Can be repeated until it succeeds.</summary>
    public void Apply(string stem)
    {
        var pending = new FileInfo(PendingOf(stem));
        if (!pending.Exists)
        {
            return;
        }

        if (pending.Length > 0)
        {
            DurableFile.Move(pending.FullName, PathOf(stem));
            return;
        }

        DurableFile.Delete(PathOf(stem));
        DurableFile.Delete(pending.FullName);
    }

    /// <summary>Forgets what was prepared.</summary>
    public void Discard(string stem) => File.Delete(PendingOf(stem));

    /// <summary>Stems for which something is prepared, and what.</summary>
    public IEnumerable<(string Stem, byte[] Content)> ListPending()
        => Enumerate(_pending, static (ref FileSystemEntry _) => 0).Keys.Select(stem => (stem, File.ReadAllBytes(PendingOf(stem))));

    private static Dictionary<string, TValue> Enumerate<TValue>(string folder, FileSystemEnumerable<TValue>.FindTransform value)
    {
        var found = new FileSystemEnumerable<KeyValuePair<string, TValue>>(
            folder,
            (ref FileSystemEntry entry) => new(entry.FileName[..^Extension.Length].ToString(), value(ref entry)),
            new() { AttributesToSkip = FileAttributes.None })
        {
            ShouldIncludePredicate = static (ref FileSystemEntry entry) => IsDocument(entry.FileName) && !entry.IsDirectory,
        };
        return new(found, StringComparer.Ordinal);
    }

    private static bool IsDocument(ReadOnlySpan<char> fileName)
        => fileName.Length > Extension.Length && fileName[0] != '.' && fileName.EndsWith(Extension, StringComparison.Ordinal);

    private string PathOf(string stem) => Path.Combine(_folder, stem + Extension);

    private string PendingOf(string stem) => Path.Combine(_pending, stem + Extension);
}

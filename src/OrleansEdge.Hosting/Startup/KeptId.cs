using System.Security.Cryptography;

namespace OrleansEdge.Hosting.Startup;

/// <summary>A random id that is made once and kept in a file.</summary>
public static class KeptId
{
    /// <summary>The id, which is made and written where it is missing; so the directory must be this process's own, or the id of
    /// whoever wrote last counts from the next start on.</summary>
    /// <param name="directory">Must exist.</param>
    /// <param name="file">Name of the file.</param>
    /// <param name="prefix">Begin of a new id; 16 hexadecimal digits follow.</param>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public static string In(string directory, string file, string prefix)
    {
        var path = Path.Combine(directory, file);
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } kept)
        {
            return kept;
        }

        var fresh = prefix + RandomNumberGenerator.GetHexString(16, lowercase: true);
        File.WriteAllText(path, fresh + "\n");
        return fresh;
    }
}

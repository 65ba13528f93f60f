using System.Text.Json;

namespace OrleansEdge.Standalone.Demo;

/// <summary>What the data directory remembers of the demo.</summary>
/// <param name="Port">Loopback port that the domains' documents name.</param>
/// <param name="IsSetUp">Whether all documents were written.</param>
internal sealed record DemoState(int Port, bool IsSetUp);

/// <summary>The file <c>demo.json</c> of the data directory. Written whole, by rename.</summary>
internal sealed class DemoRecord(string dataDirectory)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly string _path = Path.Combine(dataDirectory, "demo.json");

    /// <returns><see langword="null"/> where the demo was never begun; a file that cannot be read counts as set up long ago.</returns>
    public DemoState? Read()
    {
        if (!File.Exists(_path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<DemoState>(File.ReadAllBytes(_path), Json);
        }
        catch (JsonException)
        {
            return new(0, IsSetUp: true);
        }
    }

    public void Write(DemoState state)
    {
        var fresh = _path + ".new";
        using (var file = new FileStream(fresh, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            JsonSerializer.Serialize(file, state, Json);
            file.Flush(flushToDisk: true);
        }

        File.Move(fresh, _path, overwrite: true);
    }
}

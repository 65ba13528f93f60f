using System.Text.Json;
using Microsoft.Extensions.Logging;
using OrleansEdge.Contracts;
using OrleansEdge.Model;

namespace OrleansEdge.Clustering.Domains;

/// <summary>The documents that a gateway has in use, in a file, so that it can serve them after a restart while no silo answers: a line
/// of JSON for each change, of which the last of a name counts. What is lost of it is fetched again. Thread safe.</summary>
internal sealed class LastGoodConfig : IDisposable
{
    private const int MostLines = 10_000;

    private readonly string _path;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, GoodDomain> _domains = new(StringComparer.Ordinal);
    private StreamWriter? _writer;
    private int _lines;
    private bool _failing;

    /// <summary>Reads the file; one that is missing or damaged is as far empty.</summary>
    public LastGoodConfig(string path, ILogger<LastGoodConfig> logger)
    {
        _path = path;
        _logger = logger;
        Read();
        WasThere = _domains.Count > 0;
        lock (_gate)
        {
            Rewrite();
        }
    }

    /// <summary>Whether anything was good before.</summary>
    public bool WasThere { get; }

    /// <summary>Puts everything in force that was good.</summary>
    public void RestoreTo(ClusterDomains domains)
    {
        foreach (var good in _domains.Values)
        {
            if (DomainDocument.Parse(good.Document, DocumentLimits.Widest).Value is { } config)
            {
                domains.Restore(config, good.Version, good.Flags);
            }
        }
    }

    /// <summary>Notes what is in force.</summary>
    public void Note(DomainSnapshot snapshot)
    {
        var flags = (snapshot.TenantBlocked ? TenantFlags.Blocked : TenantFlags.None)
            | (snapshot.Exhausted.HasFlag(ExhaustedQuota.Websocket) ? TenantFlags.WebsocketExhausted : TenantFlags.None)
            | (snapshot.Exhausted.HasFlag(ExhaustedQuota.Http) ? TenantFlags.HttpExhausted : TenantFlags.None);
        Append(new(snapshot.Domain, snapshot.Version, flags, DomainDocument.Write(snapshot.Config)));
    }

    /// <summary>Notes that a domain is gone.</summary>
    public void NoteGone(string domain) => Append(new(domain, 0, TenantFlags.None, []));

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _writer?.Dispose();
            _writer = null;
        }
    }

    private void Read()
    {
        try
        {
            foreach (var line in File.ReadLines(_path))
            {
                Take(JsonSerializer.Deserialize<GoodDomain>(line)!);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            if (failure is not (FileNotFoundException or DirectoryNotFoundException))
            {
                _logger.LastGoodDamaged(_path, failure.Message);
            }
        }
    }

    private void Take(GoodDomain good)
    {
        if (good.Version == 0)
        {
            _domains.Remove(good.Domain);
        }
        else
        {
            _domains[good.Domain] = good;
        }
    }

    private void Append(GoodDomain good)
    {
        lock (_gate)
        {
            Take(good);
            if (_lines > MostLines + (2 * _domains.Count) || _writer is null)
            {
                Rewrite();
                return;
            }

            Try(() =>
            {
                _writer!.WriteLine(JsonSerializer.Serialize(good));
                _lines++;
            });
        }
    }

    // Beside the old file, so that a crash leaves one of the two whole.
    private void Rewrite() => Try(() =>
    {
        _writer?.Dispose();
        _writer = null;
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        File.WriteAllLines(_path + ".new", _domains.Values.Select(static good => JsonSerializer.Serialize(good)));
        File.Move(_path + ".new", _path, overwrite: true);
        _writer = new(new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.Read)) { AutoFlush = true };
        _lines = _domains.Count;
    });

    private void Try(Action write)
    {
        try
        {
            write();
            _failing = false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (!_failing)
            {
                _logger.LastGoodNotWritten(_path, failure.Message);
            }

            _failing = true;
        }
    }

    private sealed record GoodDomain(string Domain, long Version, TenantFlags Flags, byte[] Document);
}

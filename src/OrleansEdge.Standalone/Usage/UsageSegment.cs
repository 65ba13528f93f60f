using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using OrleansEdge.Model;

namespace OrleansEdge.Standalone.Usage;

/// <summary>The file of an hour, open for reading. It never changes: a newer one takes its name, and who has this one open goes on reading
/// it. Thread safe, but for disposing. Every method throws <see cref="UsageDamageException"/> where the file is damaged.</summary>
internal sealed class UsageSegment : IDisposable
{
    private const int LongestName = 4 * UsageReportRules.MaxNameLength;

    private readonly string _path;
    private readonly UsageHour _hour;
    private readonly SafeFileHandle _file;
    private readonly UsageSegmentFoot _foot;

    private UsageSegment(string path, UsageHour hour, SafeFileHandle file)
    {
        _path = path;
        _hour = hour;
        _file = file;
        _foot = ReadFoot();
    }

    public UsageSegmentSummary Summary => _foot.Summary;

    /// <exception cref="IOException">There is no such file, or it cannot be read.</exception>
    public static UsageSegment Open(string path, UsageHour hour)
    {
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            return new(path, hour, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The ledger of an owner; null: the hour has nothing of it.</summary>
    public UsageShardLedger? Find(string owner)
    {
        var page = UsageSegmentFormat.PageOf(owner, _foot.Pages);
        var reader = new CompactReader(ReadPage(page));
        try
        {
            while (reader.Left > 0)
            {
                var name = reader.Text();
                var block = reader.Bytes(reader.Count(1));
                if (name == owner)
                {
                    return UsageShardLedger.Read(new(owner, _hour), block);
                }
            }

            return null;
        }
        catch (FormatException fault)
        {
            throw Damage($"page {page} is whole but cannot be understood: {fault.Message}", fault);
        }
    }

    /// <summary>The ledgers of all owners with their bytes.</summary>
    public IEnumerable<(UsageShardLedger Ledger, ReadOnlyMemory<byte> Block)> ReadAll()
    {
        for (var page = 0; page < _foot.Pages; page++)
        {
            foreach (var block in ReadBlocks(page))
            {
                yield return block;
            }
        }
    }

    /// <summary>Adds the owners that have usage to a set.</summary>
    public void ListOwners(HashSet<string> owners)
    {
        var bytes = Read(_foot.OwnersAt, (int)(_foot.DirectoryAt - _foot.OwnersAt));
        if (Crc32C.Of(bytes) != _foot.OwnersChecksum)
        {
            throw Damage("the names of the owners have another checksum");
        }

        try
        {
            ListOwners(bytes, owners);
        }
        catch (Exception fault) when (fault is FormatException or ArgumentException)
        {
            throw Damage($"the names of the owners are whole but cannot be understood: {fault.Message}", fault);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // Most names are in the set already, so that no text is made of them.
    private static void ListOwners(ReadOnlySpan<byte> bytes, HashSet<string> owners)
    {
        var reader = new CompactReader(bytes);
        var set = owners.GetAlternateLookup<ReadOnlySpan<char>>();
        Span<byte> name = stackalloc byte[LongestName];
        Span<char> text = stackalloc char[LongestName];
        for (var left = reader.Count(2); left > 0; left--)
        {
            var common = (int)Math.Min(reader.Number(), LongestName);
            var rest = reader.Bytes(reader.Count(1));
            rest.CopyTo(name[common..]);
            set.Add(text[..Encoding.UTF8.GetChars(name[..(common + rest.Length)], text)]);
        }
    }

    private List<(UsageShardLedger Ledger, ReadOnlyMemory<byte> Block)> ReadBlocks(int page)
    {
        var blocks = new List<(UsageShardLedger, ReadOnlyMemory<byte>)>();
        var reader = new CompactReader(ReadPage(page));
        try
        {
            while (reader.Left > 0)
            {
                var owner = reader.Text();
                var block = reader.Bytes(reader.Count(1)).ToArray();
                blocks.Add((UsageShardLedger.Read(new(owner, _hour), block), block));
            }
        }
        catch (FormatException fault)
        {
            throw Damage($"page {page} is whole but cannot be understood: {fault.Message}", fault);
        }

        return blocks;
    }

    private UsageSegmentFoot ReadFoot()
    {
        var length = RandomAccess.GetLength(_file);
        if (length < UsageSegmentFormat.HeadBytes + UsageSegmentFormat.FootBytes)
        {
            throw Damage("it is too short");
        }

        var foot = UsageSegmentFoot.Read(Read(length - UsageSegmentFormat.FootBytes, UsageSegmentFormat.FootBytes)) ?? throw Damage("its end has another checksum");
        var directoryEnd = foot.DirectoryAt + ((foot.Pages + 1L) * UsageSegmentFormat.PlaceBytes);
        return foot.Hour == _hour.Number && foot.Pages > 0 && foot.OwnersAt <= foot.DirectoryAt && directoryEnd == length - UsageSegmentFormat.FootBytes
            ? foot
            : throw Damage("it is the file of another hour, or cut");
    }

    private ReadOnlySpan<byte> ReadPage(int page)
    {
        var places = Read(_foot.DirectoryAt + ((long)page * UsageSegmentFormat.PlaceBytes), 2 * UsageSegmentFormat.PlaceBytes);
        var start = BinaryPrimitives.ReadUInt32LittleEndian(places);
        var end = BinaryPrimitives.ReadUInt32LittleEndian(places[UsageSegmentFormat.PlaceBytes..]);
        if (start > end || end > _foot.OwnersAt || end - start < UsageSegmentFormat.ChecksumBytes)
        {
            throw Damage($"the place of page {page} is none");
        }

        var bytes = Read(start, (int)(end - start));
        var blocks = bytes[UsageSegmentFormat.ChecksumBytes..];
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes) == UsageSegmentFormat.ChecksumOf(_hour.Number, page, blocks)
            ? blocks
            : throw Damage($"page {page} has another checksum");
    }

    private ReadOnlySpan<byte> Read(long offset, int count)
    {
        var bytes = new byte[count];
        for (var read = 0; read < count;)
        {
            var more = RandomAccess.Read(_file, bytes.AsSpan(read), offset + read);
            read += more > 0 ? more : throw Damage("it ends too soon");
        }

        return bytes;
    }

    private UsageDamageException Damage(string what, Exception? fault = null) => new(_path, what, fault);
}

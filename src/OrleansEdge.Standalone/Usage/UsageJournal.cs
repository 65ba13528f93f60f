using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Usage;

/// <summary>Reports that were stored together.</summary>
/// <param name="At">When.</param>
/// <param name="Reports">In the order in which they were applied.</param>
internal readonly record struct UsageBatch(DateTimeOffset At, IReadOnlyList<UsageReport> Reports);

/// <summary>The reports that are not in the hours' files yet: files <c>journal-NUMBER.log</c>, of which the last is written. One batch is
/// one frame and one flush, and a frame is written only when the one before is on the disk. So a frame that is not whole is the last one,
/// which nobody was told of, or damage. Not thread safe.</summary>
/// <remarks>A frame is a mark, the length of its content, a checksum (CRC-32C of length, time and content), the time, the content.</remarks>
internal sealed class UsageJournal : IDisposable
{
    private const uint Mark = 0x4A55_454F;
    private const int HeadBytes = 20;
    private const string Pattern = "journal-*.log";

    private static readonly byte[] Header = "OEUJRN1\n"u8.ToArray();

    private readonly string _folder;
    private readonly ILogger _logger;
    private readonly ArrayBufferWriter<byte> _content = new();
    private long _number;
    private SafeFileHandle? _file;
    private bool _isTailUnknown;

    /// <summary>A journal that is yet to be opened.</summary>
    public UsageJournal(string folder, ILogger logger)
    {
        _folder = folder;
        _logger = logger;
    }

    /// <summary>Length of the file that is written, in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>Opens the files, oldest first, and reads them. The torn end of the last one is cut off.</summary>
    /// <param name="mustExist">Whether there was a journal before, so that one that is missing is lost.</param>
    /// <param name="replay">Takes each batch.</param>
    /// <exception cref="UsageDamageException">There is damage before the end.</exception>
    public void Open(bool mustExist, Action<UsageBatch> replay)
    {
        var numbers = ListNumbers();
        if (numbers.Count == 0)
        {
            if (mustExist)
            {
                throw new UsageDamageException(PathOf(1), "it is missing, though there are files of hours");
            }

            DurableFile.Replace(PathOf(1), Header);
            numbers.Add(1);
        }

        DropUnused(numbers);
        _number = numbers[^1];
        foreach (var number in numbers)
        {
            Length = Replay(number, replay);
        }

        _file = OpenForWriting(_number);
        CutTail();
    }

    /// <summary>Adds a batch; when this returns it is on the disk.</summary>
    /// <exception cref="IOException">It could not be written, and is not there.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public void Append(UsageBatch batch)
    {
        var frame = Frame(batch);
        try
        {
            if (_isTailUnknown)
            {
                CutTail();
            }

            _isTailUnknown = true;
            RandomAccess.Write(Handle, frame, Length);
            RandomAccess.FlushToDisk(Handle);
            _isTailUnknown = false;
            Length += frame.Sum(static part => part.Length);
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            TryCutTail();
            throw;
        }
    }

    /// <summary>Begins a new file and removes those before, whose batches must all be in the files of the hours.</summary>
    /// <exception cref="IOException">There is no new file: the old one goes on.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public void Restart()
    {
        // Before it is no longer the last, which alone may be torn.
        if (_isTailUnknown)
        {
            CutTail();
        }

        DurableFile.Replace(PathOf(_number + 1), Header);
        var file = OpenForWriting(_number + 1);
        Handle.Dispose();
        _file = file;
        _number++;
        Length = Header.Length;
        foreach (var number in ListNumbers().Where(number => number < _number))
        {
            TryDelete(PathOf(number));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    private SafeFileHandle Handle => _file ?? throw new InvalidOperationException("the journal is not open");

    private ReadOnlyMemory<byte>[] Frame(UsageBatch batch)
    {
        _content.ResetWrittenCount();
        UsageReportFormat.Write(_content, batch.Reports);
        var head = new byte[HeadBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(head, Mark);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), _content.WrittenCount);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(12), batch.At.UtcTicks);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(8), ChecksumOf(head, _content.WrittenSpan));
        return [head, _content.WrittenMemory];
    }

    private static uint ChecksumOf(ReadOnlySpan<byte> head, ReadOnlySpan<byte> content)
        => Crc32C.Of(content, Crc32C.Of(head[12..], Crc32C.Of(head[4..8])));

    /// <returns>Where the last whole frame ends.</returns>
    private int Replay(long number, Action<UsageBatch> replay)
    {
        var path = PathOf(number);
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(path);
        if (!bytes.StartsWith(Header))
        {
            throw new UsageDamageException(path, "it does not begin as a journal");
        }

        var offset = Header.Length;
        while (TryTakeFrame(bytes[offset..], out var frame))
        {
            replay(Read(path, offset, frame));
            offset += frame.Length;
        }

        CheckTail(number, bytes, offset);
        return offset;
    }

    private void CheckTail(long number, ReadOnlySpan<byte> bytes, int offset)
    {
        if (offset == bytes.Length)
        {
            return;
        }

        if (number < _number || HasFrame(bytes[(offset + 1)..]))
        {
            throw new UsageDamageException(PathOf(number), $"what stands at byte {offset} cannot be read, but was written before what follows");
        }

        _logger.JournalCut(PathOf(number), bytes.Length - offset);
    }

    private static bool HasFrame(ReadOnlySpan<byte> bytes)
    {
        Span<byte> mark = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(mark, Mark);
        for (var next = bytes.IndexOf(mark); next >= 0; next = bytes.IndexOf(mark))
        {
            bytes = bytes[next..];
            if (TryTakeFrame(bytes, out _))
            {
                return true;
            }

            bytes = bytes[1..];
        }

        return false;
    }

    private static bool TryTakeFrame(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> frame)
    {
        frame = default;
        if (bytes.Length < HeadBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Mark)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        if (length < 0 || length > bytes.Length - HeadBytes)
        {
            return false;
        }

        frame = bytes[..(HeadBytes + length)];
        return ChecksumOf(frame[..HeadBytes], frame[HeadBytes..]) == BinaryPrimitives.ReadUInt32LittleEndian(frame[8..]);
    }

    private static UsageBatch Read(string path, int offset, ReadOnlySpan<byte> frame)
    {
        try
        {
            var at = new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(frame[12..]), TimeSpan.Zero);
            return new(at, UsageReportFormat.Read(frame[HeadBytes..]));
        }
        catch (FormatException fault)
        {
            throw new UsageDamageException(path, $"the frame at byte {offset} is whole but cannot be understood: {fault.Message}", fault);
        }
    }

    // A file that was begun just before the end, or could not be taken into use: the one before went on.
    private void DropUnused(List<long> numbers)
    {
        while (numbers.Count > 1 && new FileInfo(PathOf(numbers[^1])).Length <= Header.Length)
        {
            DurableFile.Delete(PathOf(numbers[^1]));
            numbers.RemoveAt(numbers.Count - 1);
        }
    }

    private List<long> ListNumbers()
    {
        var numbers = new List<long>();
        foreach (var path in Directory.EnumerateFiles(_folder, Pattern))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(path.AsSpan())["journal-".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                numbers.Add(number);
            }
        }

        numbers.Sort();
        return numbers;
    }

    private SafeFileHandle OpenForWriting(long number)
        => File.OpenHandle(PathOf(number), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    private void CutTail()
    {
        if (RandomAccess.GetLength(Handle) != Length)
        {
            RandomAccess.SetLength(Handle, Length);
            RandomAccess.FlushToDisk(Handle);
        }

        _isTailUnknown = false;
    }

    private void TryCutTail()
    {
        try
        {
            CutTail();
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            // Tried again before the next batch; until then nobody was told that it is stored.
            _logger.JournalNotCut(PathOf(_number), failure.Message);
        }
    }

    private void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            // Reading it again at a start changes nothing.
            _logger.JournalNotDeleted(path, failure.Message);
        }
    }

    private string PathOf(long number) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"journal-{number:D8}.log"));
}

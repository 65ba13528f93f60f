using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Metering;

/// <summary>Whose counters a spool file holds.</summary>
internal sealed record SpoolHeader(UsageSourceId Source, UsageHour Hour, DateTimeOffset CreatedAt, string Gateway);

/// <summary>What one counter of a spool file belongs to, but for its bucket.</summary>
internal sealed record SpoolAccount(string Tenant, string Domain, UsageKind Kind);

/// <summary>The layout of a spool file, in the byte order of the machine: a header of one page, then records of one or more units. An
/// account names a tenant, a domain and a kind; a cell refers to an account and holds counters of one bucket. A record counts from
/// the moment at which its first word, with a checksum of its identity, stands; it is written last. A unit without a valid first
/// word is skipped.</summary>
internal static class SpoolFormat
{
    /// <summary>Two cache lines, which processors fetch as a pair: writers of neighbouring cells do not disturb each other.</summary>
    public const int Unit = 128;

    /// <summary>Bytes of the header.</summary>
    public const int HeaderBytes = 4096;

    /// <summary>Where in the header a word counts how often the file was taken up by somebody who did not count in it. Not part of the
    /// checksum.</summary>
    public const int TakenUpOffset = HeaderBytes - sizeof(long);

    /// <summary>Where in a cell the counters begin.</summary>
    public const int CountersOffset = 16;

    /// <summary>Where in a cell the word lies by which a writer holds it; means nothing in a file of the past.</summary>
    public const int HolderOffset = CountersOffset + (UsageCounts.Words * sizeof(long));

    private const int IdentityOffset = 8;
    private const int AccountTextOffset = IdentityOffset + 5;
    private const int HeaderTextOffset = 46;
    private const int MaxGatewayBytes = 1024;
    private const uint Version = 1;

    // "OESPOOL1" as the file shows it.
    private const ulong Magic = 0x314C_4F4F_5053_454F;

    // No character of a name has these values, so that text is never taken for a record.
    private const byte AccountType = 1;
    private const byte CellType = 2;

    /// <summary>Writes the header; its first word last.</summary>
    public static void WriteHeader(Span<byte> page, SpoolHeader header)
    {
        var text = Encoding.UTF8.GetBytes(header.Gateway);
        var length = Math.Min(text.Length, MaxGatewayBytes);
        MemoryMarshal.Write(page[12..], Version);
        MemoryMarshal.Write(page[16..], header.Hour.Number);
        header.Source.Write(page[20..]);
        MemoryMarshal.Write(page[36..], header.CreatedAt.ToUnixTimeMilliseconds());
        MemoryMarshal.Write(page[44..], (ushort)length);
        text.AsSpan(0, length).CopyTo(page[HeaderTextOffset..]);
        MemoryMarshal.Write(page[8..], Crc32C.Of(page[12..(HeaderTextOffset + length)]));
        Volatile.Write(ref MemoryMarshal.AsRef<ulong>(page), Magic);
    }

    /// <summary>Reads the header.</summary>
    /// <returns><see langword="null"/> where it was never published or is damaged.</returns>
    public static SpoolHeader? ReadHeader(ReadOnlySpan<byte> page)
    {
        if (page.Length < HeaderBytes || MemoryMarshal.Read<ulong>(page) != Magic || MemoryMarshal.Read<uint>(page[12..]) != Version)
        {
            return null;
        }

        var length = MemoryMarshal.Read<ushort>(page[44..]);
        if (length > MaxGatewayBytes || MemoryMarshal.Read<uint>(page[8..]) != Crc32C.Of(page[12..(HeaderTextOffset + length)]))
        {
            return null;
        }

        return new(
            UsageSourceId.Read(page.Slice(20, UsageSourceId.Bytes)),
            new(MemoryMarshal.Read<int>(page[16..])),
            DateTimeOffset.FromUnixTimeMilliseconds(MemoryMarshal.Read<long>(page[36..])),
            Encoding.UTF8.GetString(page.Slice(HeaderTextOffset, length)));
    }

    /// <summary>Units that an account takes.</summary>
    public static int UnitsOf(SpoolAccount account)
        => (AccountTextOffset + Encoding.UTF8.GetByteCount(account.Tenant) + Encoding.UTF8.GetByteCount(account.Domain) + Unit - 1) / Unit;

    /// <summary>Writes and publishes an account into zeroed units.</summary>
    public static void WriteAccount(Span<byte> record, SpoolAccount account)
    {
        var tenant = Encoding.UTF8.GetBytes(account.Tenant, record[AccountTextOffset..]);
        var domain = Encoding.UTF8.GetBytes(account.Domain, record[(AccountTextOffset + tenant)..]);
        record[IdentityOffset] = (byte)account.Kind;
        BinaryPrimitives.WriteUInt16LittleEndian(record[(IdentityOffset + 1)..], (ushort)tenant);
        BinaryPrimitives.WriteUInt16LittleEndian(record[(IdentityOffset + 3)..], (ushort)domain);
        Publish(record, AccountType, AccountTextOffset + tenant + domain);
    }

    /// <summary>Writes and publishes a cell; its counters are there already.</summary>
    /// <param name="record">One unit.</param>
    /// <param name="account">Index of the account's first unit.</param>
    /// <param name="bucket">Its bucket.</param>
    public static void WriteCell(Span<byte> record, int account, UsageBucket bucket)
    {
        MemoryMarshal.Write(record[IdentityOffset..], (uint)account);
        MemoryMarshal.Write(record[(IdentityOffset + 4)..], bucket.Number - bucket.Hour.FirstBucket.Number);
        Publish(record, CellType, CountersOffset);
    }

    /// <summary>Reads every counter of a file, those of one account and bucket summed.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="hour">Of its header.</param>
    public static Dictionary<(SpoolAccount Account, UsageBucket Bucket), UsageCounts> ReadCells(ReadOnlySpan<byte> file, UsageHour hour)
    {
        var cells = new Dictionary<(SpoolAccount, UsageBucket), UsageCounts>();
        var accounts = new Dictionary<int, SpoolAccount>();
        for (var offset = HeaderBytes; offset + Unit <= file.Length;)
        {
            var record = file[offset..];
            var units = 1;
            if (TryReadAccount(record, out var account, out var taken))
            {
                accounts[offset / Unit] = account;
                units = taken;
            }
            else if (TryReadCell(record, out var owner, out var bucket) && accounts.TryGetValue(owner, out var found))
            {
                var key = (found, new UsageBucket(hour.FirstBucket.Number + bucket));
                cells[key] = cells.GetValueOrDefault(key) + MemoryMarshal.Read<UsageCounts>(record[CountersOffset..]);
            }

            offset += units * Unit;
        }

        return cells;
    }

    private static bool TryReadAccount(ReadOnlySpan<byte> record, out SpoolAccount account, out int units)
    {
        account = null!;
        units = 0;
        var tenant = BinaryPrimitives.ReadUInt16LittleEndian(record[(IdentityOffset + 1)..]);
        var domain = BinaryPrimitives.ReadUInt16LittleEndian(record[(IdentityOffset + 3)..]);
        var length = AccountTextOffset + tenant + domain;
        if (length > record.Length || !IsPublished(record, AccountType, length) || record[IdentityOffset] > (byte)UsageKind.Http)
        {
            return false;
        }

        account = new(
            Encoding.UTF8.GetString(record.Slice(AccountTextOffset, tenant)),
            Encoding.UTF8.GetString(record.Slice(AccountTextOffset + tenant, domain)),
            (UsageKind)record[IdentityOffset]);
        units = (length + Unit - 1) / Unit;
        return true;
    }

    private static bool TryReadCell(ReadOnlySpan<byte> record, out int account, out int bucket)
    {
        account = (int)MemoryMarshal.Read<uint>(record[IdentityOffset..]);
        bucket = MemoryMarshal.Read<int>(record[(IdentityOffset + 4)..]);
        return IsPublished(record, CellType, CountersOffset) && bucket is >= 0 and < UsageHour.Buckets;
    }

    private static void Publish(Span<byte> record, byte type, int identityEnd)
        => Volatile.Write(ref MemoryMarshal.AsRef<ulong>(record), Tag(record, type, identityEnd));

    private static bool IsPublished(ReadOnlySpan<byte> record, byte type, int identityEnd)
        => MemoryMarshal.Read<ulong>(record) == Tag(record, type, identityEnd);

    private static ulong Tag(ReadOnlySpan<byte> record, byte type, int identityEnd)
        => ((ulong)type << 56) | ((ulong)(uint)identityEnd << 32) | Crc32C.Of(record[IdentityOffset..identityEnd]);
}

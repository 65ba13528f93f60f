using System.Runtime.InteropServices;

namespace OrleansEdge.Model;

/// <summary>Counts by key, in the order of the keys. Not thread safe.</summary>
internal sealed class UsageCells
{
    private readonly List<UsageEntry> _entries;

    public UsageCells(int capacity = 0) => _entries = new(capacity);

    public int Count => _entries.Count;

    public ReadOnlySpan<UsageEntry> Entries => CollectionsMarshal.AsSpan(_entries);

    public UsageEntry[] ToArray() => [.. _entries];

    /// <summary>How many keys have counts other than zero.</summary>
    public int CountOfUsed()
    {
        var count = 0;
        foreach (ref readonly var entry in Entries)
        {
            count += entry.Counts == default ? 0 : 1;
        }

        return count;
    }

    /// <summary>The counts of a key; nothing where it is unknown.</summary>
    public UsageCounts Find(in UsageKey key)
    {
        var index = IndexOf(key);
        return index >= 0 ? _entries[index].Counts : default;
    }

    /// <summary>Lifts the counts of a key to those of an entry, where they are lower.</summary>
    /// <returns>By how much each grew.</returns>
    public UsageCounts Raise(in UsageEntry entry)
    {
        var index = IndexOf(entry.Key);
        if (index < 0)
        {
            _entries.Insert(~index, entry);
            return entry.Counts;
        }

        var old = _entries[index].Counts;
        var raised = UsageCounts.Max(old, entry.Counts);
        _entries[index] = new(_entries[index].Key, raised);
        return raised - old;
    }

    /// <summary>Adds an entry whose key comes after all others.</summary>
    public void Append(in UsageEntry entry) => _entries.Add(entry);

    /// <summary>The sums of both, key by key.</summary>
    public static UsageCells Sum(UsageCells a, UsageCells b)
    {
        var left = a.Entries;
        var right = b.Entries;
        var sums = new UsageCells(Math.Max(left.Length, right.Length));
        while (!left.IsEmpty && !right.IsEmpty)
        {
            var order = left[0].Key.CompareTo(right[0].Key);
            sums.Append(order == 0 ? new(left[0].Key, left[0].Counts + right[0].Counts) : order < 0 ? left[0] : right[0]);
            left = order <= 0 ? left[1..] : left;
            right = order >= 0 ? right[1..] : right;
        }

        sums._entries.AddRange(left);
        sums._entries.AddRange(right);
        return sums;
    }

    // What is reported belongs mostly to the newest keys, which stand at the end.
    private int IndexOf(in UsageKey key)
    {
        var entries = Entries;
        var (low, high) = (0, entries.Length - 1);
        if (high >= 0 && entries[high].Key < key)
        {
            return ~entries.Length;
        }

        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = entries[middle].Key.CompareTo(key);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OrleansEdge.Model;

namespace OrleansEdge.Relay.Metering;

/// <summary>The counters of one account and bucket in one spool file: one slot of memory, and more where writers meet, at most as many
/// as there are processors. A writer holds a slot for the few instructions of an addition, so that each word has one writer at a
/// time and needs no atomic addition; who finds a slot held takes the next one. Thread safe.</summary>
internal sealed class UsageCell(SpoolFile file, SpoolAccount account, UsageBucket bucket, UsageSlot first)
{
    private static readonly int MostSlots = Math.Max(2, Environment.ProcessorCount);

    private readonly long _startTicks = bucket.Start.UtcTicks;
    private UsageSlot[] _slots = [first];

    public SpoolAccount Account => account;

    public UsageBucket Bucket => bucket;

    /// <summary>The slots that there are now.</summary>
    public ReadOnlySpan<UsageSlot> Slots => Volatile.Read(ref _slots);

    /// <summary>Whether an instant lies in the bucket.</summary>
    public bool Holds(long utcTicks) => (ulong)(utcTicks - _startTicks) < (ulong)UsageBucket.Length.Ticks;

    /// <summary>Adds.</summary>
    /// <returns>False where the cell is closed: nothing was added, and another cell must be asked for.</returns>
    public bool TryAdd(in UsageCounts delta)
    {
        var spin = default(SpinWait);
        while (true)
        {
            var slots = Volatile.Read(ref _slots);
            var start = slots.Length == 1 ? 0 : Thread.GetCurrentProcessorId();
            for (var i = 0; i < slots.Length; i++)
            {
                switch (slots[(start + i) % slots.Length].TryAdd(delta))
                {
                    case UsageSlot.Free:
                        return true;
                    case UsageSlot.Closed:
                        return false;
                }
            }

            if (slots.Length >= MostSlots || !file.TryWiden(this, slots.Length))
            {
                spin.SpinOnce(sleep1Threshold: -1);
            }
        }
    }

    /// <summary>What was counted so far.</summary>
    public UsageCounts Sum()
    {
        var sum = default(UsageCounts);
        foreach (var slot in Slots)
        {
            sum += slot.Read();
        }

        return sum;
    }

    /// <summary>Lets nothing more be added. Called under the lock of the file.</summary>
    public void Close()
    {
        foreach (var slot in _slots)
        {
            slot.Hold();
            slot.Release(UsageSlot.Closed);
        }
    }

    /// <summary>Adds a slot. Called under the lock of the file.</summary>
    public void Widen(UsageSlot slot) => Volatile.Write(ref _slots, [.. _slots, slot]);

    /// <summary>Takes the counters of a slot over into another. Called under the lock of the file.</summary>
    /// <param name="index">The slot.</param>
    /// <param name="target">The new memory.</param>
    /// <param name="publish">Makes the new memory count; the old one is held meanwhile.</param>
    public void Move(int index, UsageSlot target, Action publish)
    {
        var old = _slots[index];
        var state = old.Hold();
        target.Write(old.Read());
        target.Release(state);
        publish();
        var slots = _slots.ToArray();
        slots[index] = target;
        Volatile.Write(ref _slots, slots);
        old.Release(UsageSlot.Moved);
    }
}

/// <summary>One unit of memory with counters, and the word by which a writer holds it. Immutable.</summary>
internal sealed unsafe class UsageSlot
{
    /// <summary>Nobody holds it.</summary>
    public const int Free = 0;

    /// <summary>A writer does.</summary>
    public const int Held = 1;

    /// <summary>Nothing is added to it any more.</summary>
    public const int Closed = 2;

    /// <summary>Another slot has taken its place.</summary>
    public const int Moved = 3;

    private readonly SpoolExtent _extent;
    private readonly byte* _base;

    public UsageSlot(SpoolExtent extent, int unit)
    {
        _extent = extent;
        Unit = unit;
        _base = extent.AddressOf(unit);
    }

    public SpoolExtent Extent => _extent;

    /// <summary>Index within the extent.</summary>
    public int Unit { get; }

    private ref int Holder => ref *(int*)(_base + SpoolFormat.HolderOffset);

    private ref UsageCounts Counters => ref *(UsageCounts*)(_base + SpoolFormat.CountersOffset);

    /// <summary>Adds, if nobody holds the slot.</summary>
    /// <returns>What stood in the way; <see cref="Free"/>: nothing, it was added.</returns>
    public int TryAdd(in UsageCounts delta)
    {
        var was = Interlocked.CompareExchange(ref Holder, Held, Free);
        if (was == Free)
        {
            ref var words = ref Unsafe.As<UsageCounts, long>(ref Counters);
            ref var added = ref Unsafe.As<UsageCounts, long>(ref Unsafe.AsRef(in delta));
            for (var i = 0; i < UsageCounts.Words; i++)
            {
                // Whole words: a reader in this process, or of the file after a kill, sees the old or the new one.
                Volatile.Write(ref Unsafe.Add(ref words, i), Unsafe.Add(ref words, i) + Unsafe.Add(ref added, i));
            }

            Release(Free);
        }

        GC.KeepAlive(_extent);
        return was;
    }

    /// <summary>Each word as it stands.</summary>
    public UsageCounts Read()
    {
        var counts = default(UsageCounts);
        var words = MemoryMarshal.CreateSpan(ref Unsafe.As<UsageCounts, long>(ref counts), UsageCounts.Words);
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = Volatile.Read(ref Unsafe.Add(ref Unsafe.As<UsageCounts, long>(ref Counters), i));
        }

        GC.KeepAlive(_extent);
        return counts;
    }

    /// <summary>Sets the counters of a slot that nobody else knows yet.</summary>
    public void Write(in UsageCounts counts) => Counters = counts;

    /// <summary>Waits until no writer holds it, and keeps writers away.</summary>
    /// <returns>The state before: <see cref="Free"/> or one that already keeps them away.</returns>
    public int Hold()
    {
        var spin = default(SpinWait);
        while (true)
        {
            var was = Interlocked.CompareExchange(ref Holder, Held, Free);
            if (was != Held)
            {
                return was;
            }

            spin.SpinOnce();
        }
    }

    public void Release(int state)
    {
        Volatile.Write(ref Holder, state);
        GC.KeepAlive(_extent);
    }
}

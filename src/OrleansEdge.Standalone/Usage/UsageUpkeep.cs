using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Usage;

/// <summary>What must be done for the ledger now and then: moving the journal into the files of the hours, sealing dead sources, folding
/// closed ones. What the disk refuses is said and tried again. Thread safe.</summary>
internal sealed class UsageUpkeep(UsageStore store, TimeProvider time, ILogger logger, FileUsageLedgerOptions options)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MaintenanceInterval = TimeSpan.FromMinutes(10);

    // After the end of an hour, so that its last reports are in.
    private static readonly TimeSpan HourDelay = TimeSpan.FromMinutes(2);

    private readonly Lock _looking = new();
    private long _nextCheckpoint;
    private DateTimeOffset _nextMaintenance = DateTimeOffset.MinValue;
    private UsageHour _written = UsageHour.At(time.GetUtcNow());
    private volatile bool _isOver;

    /// <summary>Moves the journal where it has become long.</summary>
    public void LookAtJournal()
    {
        if (store.JournalBytes >= options.JournalBytes && MayCheckpoint())
        {
            Checkpoint();
        }
    }

    /// <summary>Does what is due; nothing while another call does, or after <see cref="Finish"/>.</summary>
    public void Look()
    {
        if (_isOver || !_looking.TryEnter())
        {
            return;
        }

        try
        {
            LookAtHour();
            LookAtSources();
        }
        catch (Exception failure)
        {
            logger.LedgerFailed(failure);
        }
        finally
        {
            _looking.Exit();
        }
    }

    /// <summary>Waits for what is being done, and moves the journal a last time.</summary>
    public void Finish()
    {
        _isOver = true;
        lock (_looking)
        {
            if (store.IsChanged)
            {
                Checkpoint();
            }
        }
    }

    private void LookAtHour()
    {
        var hour = UsageHour.At(time.GetUtcNow() - HourDelay);
        if (hour != _written && (!store.IsChanged || (MayCheckpoint() && Checkpoint())))
        {
            _written = hour;
        }
    }

    private void LookAtSources()
    {
        if (time.GetUtcNow() < _nextMaintenance)
        {
            return;
        }

        _nextMaintenance = time.GetUtcNow() + MaintenanceInterval;
        foreach (var hour in store.FindMaintainable(options.DeadAfter))
        {
            if (_isOver)
            {
                return;
            }

            Maintain(hour);
        }
    }

    private bool MayCheckpoint() => time.GetUtcNow().UtcTicks >= Interlocked.Read(ref _nextCheckpoint);

    private bool Checkpoint()
    {
        try
        {
            store.Checkpoint();
            return true;
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            Interlocked.Exchange(ref _nextCheckpoint, (time.GetUtcNow() + RetryInterval).UtcTicks);
            logger.CheckpointFailed(store.JournalBytes, failure.Message);
            return false;
        }
    }

    private void Maintain(UsageHour hour)
    {
        try
        {
            store.Maintain(hour, options.DeadAfter);
            logger.HourMaintained(hour.ToString());
        }
        catch (Exception failure) when (DurableFile.IsDiskFailure(failure))
        {
            logger.HourNotMaintained(hour.ToString(), failure.Message);
        }
    }
}

using System.Runtime.ExceptionServices;
using System.Text.Json;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Billing;

/// <summary>The accounts as files, <c>billing/tenants/TENANT.json</c>. Writing calls must not overlap.</summary>
internal sealed class AccountFolder
{
    private const string Extension = ".json";

    private readonly string _folder;

    public AccountFolder(DataFolder data) => _folder = data.Folder(out _, "billing", "tenants");

    /// <summary>Reads all accounts.</summary>
    /// <param name="hadPlans">Whether a tenant once bought a plan.</param>
    /// <exception cref="DataDirectoryException">One is damaged: going on without it would lose what its tenant paid for.</exception>
    public IReadOnlyList<AccountRecord> ReadAll(Func<string, bool> hadPlans)
    {
        try
        {
            return [.. Directory.EnumerateFiles(_folder, "*" + Extension).AsParallel().Select(path => Read(path, hadPlans)).OfType<AccountRecord>()];
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.Flatten().InnerExceptions[0]);
            throw;
        }
    }

    /// <summary>Writes an account; it is on the disk when this returns.</summary>
    /// <param name="record">The account.</param>
    /// <param name="flush">False: an account that could be made again need not be on the disk yet.</param>
    public void Write(AccountRecord record, bool flush = true)
        => DurableFile.Replace(Path.Combine(_folder, record.Tenant + Extension), AccountText.Json(record), flush || !record.CanBeMadeAgain);

    private static AccountRecord? Read(string path, Func<string, bool> hadPlans)
    {
        var content = File.ReadAllBytes(path);

        // Only the first writing of very many accounts at once is not flushed one by one, and leaves this where the machine fails
        // meanwhile. Such an account holds nothing that cannot be made again from its tenant's versions.
        if (content.AsSpan().IndexOfAnyExcept((byte)0) < 0)
        {
            return hadPlans(Path.GetFileNameWithoutExtension(path)) ? throw Damage(path, "There is nothing in it.") : null;
        }

        try
        {
            return AccountText.Parse(content, Path.GetFileNameWithoutExtension(path))
                ?? throw new DataDirectoryException($"The account {path} is not of this version of the program, or stands under another name.");
        }
        catch (JsonException damage)
        {
            throw Damage(path, damage.Message, damage);
        }
    }

    private static DataDirectoryException Damage(string path, string what, Exception? damage = null)
        => new($"The account {path} is damaged: {what} Bring the file back from a backup: without it the tenant's plans are lost.", damage);
}

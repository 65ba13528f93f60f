using System.Text.Json;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.Billing;

/// <summary>Closed statements as files, <c>billing/statements/TENANT/yyyy-MM.json</c>, exactly the JSON that is served. A file that is
/// there is never written again. Writing calls must not overlap.</summary>
internal sealed class StatementFolder
{
    private readonly string _folder;

    public StatementFolder(DataFolder data) => _folder = data.Folder(out _, "billing", "statements");

    /// <summary>A closed statement; null: it was not closed, or there is nothing on it.</summary>
    /// <exception cref="IOException">The file is damaged, or cannot be read.</exception>
    public Statement? Read(string tenant, UsageMonth month)
    {
        try
        {
            return StatementText.Parse(File.ReadAllBytes(PathOf(tenant, month)));
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException damage)
        {
            throw new IOException($"The statement {PathOf(tenant, month)} is damaged: {damage.Message}", damage);
        }
    }

    /// <summary>Writes a closed statement; it is on the disk when this returns.</summary>
    public void Write(UsageMonth month, Statement statement)
    {
        DurableFile.CreateFolder(Path.Combine(_folder, statement.Tenant));
        DurableFile.Replace(PathOf(statement.Tenant, month), StatementText.Json(statement));
    }

    private string PathOf(string tenant, UsageMonth month) => Path.Combine(_folder, tenant, $"{month}.json");
}

using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansEdge.Model;

/// <summary>An account as text, as it is stored. The same account gives the same bytes. Thread safe.</summary>
public static class AccountText
{
    private static readonly JsonSerializerOptions Options = CreateOptions();

    /// <summary>JSON, indented, ending with a line feed.</summary>
    public static byte[] Json(AccountRecord record) => [.. JsonSerializer.SerializeToUtf8Bytes(record, Options), (byte)'\n'];

    /// <summary>Reads what <see cref="Json"/> wrote.</summary>
    /// <returns><see langword="null"/>: it is an account of another version of the program, or of another tenant.</returns>
    /// <exception cref="JsonException">It is not the text of an account.</exception>
    public static AccountRecord? Parse(ReadOnlySpan<byte> json, string tenant)
    {
        var record = JsonSerializer.Deserialize<AccountRecord>(json, Options) ?? throw new JsonException("An account is not null.");
        return record.Format == AccountRecord.CurrentFormat && record.Tenant == tenant && record.Terms.Count > 0 ? record : null;
    }

    private static JsonSerializerOptions CreateOptions()
    {
        var options = new JsonSerializerOptions(EdgeJson.Options)
        {
            WriteIndented = true,
            NewLine = "\n",
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        };
        options.MakeReadOnly();
        return options;
    }
}

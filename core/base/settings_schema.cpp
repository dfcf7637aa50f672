#include "core/base/settings.h"

#include <array>

/// The table of settings. A feature adds its own by one entry here.
namespace portolan {

namespace {

using Range = std::pair<std::int64_t, std::int64_t>;

constexpr std::int64_t second = 1000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t kilobyte = 1024;
constexpr std::int64_t megabyte = 1024 * kilobyte;

std::vector<SettingSpec> makeSchema()
{
    using enum ValueType;
    return {
        {"app_env",
         Text,
         "development",
         "APP_ENV",
         "",
         "What this runs as: production refuses what is unsafe",
         false,
         {"development", "production"}},
        {"tier", Text, "small", "", "--tier", "Name of a built-in tier, or a tier file"},
        {"data_dir", Text, "", "", "--data-dir", "Folder of everything the portal keeps; empty: the user's own"},
        {"listen", Text, "127.0.0.1:8080", "", "--listen", "Address and port to serve on; port 0 picks a free one"},
        {"workers",
         Integer,
         "",
         "",
         "--workers",
         "Tasks this process runs at once; empty: tasks.concurrency of the tier; 0: none",
         false,
         {},
         Range{0, 1024}},
        {"io_threads",
         Integer,
         "0",
         "",
         "--io-threads",
         "Threads that serve connections; 0: one per processor",
         false,
         {},
         Range{0, 256}},
        {"secret_key", Text, "", "PORTAL_SECRET_KEY", "", "Signs tokens; at least 32 bytes, required in production",
         true},

        {"database.url", Text, "", "DATABASE_URL", "--database",
         "sqlite:/path or postgresql://…; empty: SQLite in the data directory"},
        {"database.replica_urls", List, "", "DATABASE_REPLICA_URLS", "", "PostgreSQL replicas that answer reads"},
        {"redis.url", Text, "", "REDIS_URL", "--redis",
         "redis://, rediss:// or unix:/path; empty: a private redis-server"},
        {"redis.program", Text, "redis-server", "", "", "The private redis-server: a name to search for, or a path"},
        {"celery.broker_url", Text, "", "CELERY_BROKER_URL", "",
         "Redis of the queue, as Celery names it; must be redis.url"},
        {"celery.result_backend", Text, "", "CELERY_RESULT_BACKEND", "",
         "Redis of task results, as Celery names it; must be redis.url"},

        {"tls.cert", Text, "", "", "--tls-cert", "PEM file with the certificate and its chain"},
        {"tls.key", Text, "", "", "--tls-key", "PEM file with the certificate's private key"},
        {"allowed_origins", List, "", "ALLOWED_ORIGINS", "", "Origins of browsers that may call the API and /ws"},
        {"allowed_hosts", List, "", "ALLOWED_HOSTS", "", "Host headers that are answered; empty: any"},
        {"trusted_proxies", List, "", "TRUSTED_PROXIES", "",
         "Addresses or networks whose X-Forwarded-* headers are believed"},

        {"http.max_header", Size, "16KB", "", "", "Longest request headers", false, {}, Range{kilobyte, megabyte}},
        {"http.max_body_before_sign_in",
         Size,
         "4KB",
         "",
         "",
         "Longest body of a request that is not signed in",
         false,
         {},
         Range{0, 64 * megabyte}},
        {"http.max_connections", Integer, "10000", "", "", "Connections in total", false, {}, Range{1, 1'000'000}},
        {"http.max_connections_per_address",
         Integer,
         "256",
         "",
         "",
         "Connections of one address",
         false,
         {},
         Range{1, 1'000'000}},
        {"http.header_timeout", Duration, "10s", "", "", "Time for a request's headers", false, {}, Range{100, hour}},
        {"http.request_timeout", Duration, "60s", "", "", "Time for a whole request", false, {}, Range{100, hour}},
        {"http.idle_timeout",
         Duration,
         "75s",
         "",
         "",
         "Time between the requests of a connection",
         false,
         {},
         Range{100, hour}},
        {"shutdown.timeout",
         Duration,
         "10s",
         "",
         "",
         "Time for what runs when the process is told to stop",
         false,
         {},
         Range{0, 10 * minute}},

        {"log.format", Text, "json", "", "--log-format", "JSON lines or text", false, {"json", "text"}},
        {"log.level", Text, "info", "", "", "Least level that is logged", false, {"debug", "info", "warning", "error"}},
        {"monitoring", Boolean, "true", "ENABLE_MONITORING", "",
         "Sampling of key families and the list of Redis' clients"},

        {"market.provider",
         Text,
         "",
         "",
         "",
         "Where quotes come from; empty: Alpha Vantage if its key is set, else simulated",
         false,
         {"simulated", "csv", "alpha-vantage"}},
        {"market.seed",
         Integer,
         "1",
         "",
         "",
         "Seed of the simulated market",
         false,
         {},
         Range{0, (std::int64_t(1) << 53) - 1}},
        {"market.csv_dir", Text, "", "", "", "Folder of SYMBOL.csv files for the csv provider"},
        {"market.alpha_vantage_api_key", Text, "", "ALPHA_VANTAGE_API_KEY", "", "Key of Alpha Vantage", true},
        {"mail.smtp_url", Text, "", "SMTP_URL", "", "Server that takes mail: smtp:// or smtps://"},
        {"mail.from", Text, "", "MAIL_FROM", "", "Sender of the portal's mail"},
        {"identity.issuers", List, "", "IDENTITY_ISSUERS", "", "OpenID issuers whose ID tokens are accepted"},
        {"portal.token", Text, "", "PORTAL_TOKEN", "", "Token of `portoland status --url`", true},
    };
}

} // namespace

std::span<const SettingSpec> settingSchema()
{
    static const std::vector<SettingSpec> schema = makeSchema();
    return schema;
}

} // namespace portolan

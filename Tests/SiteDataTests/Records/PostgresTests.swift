import Foundation
import Records
import Testing

@testable import SiteData

/// A PostgreSQL server of its own in a temporary folder, reachable through a socket there.
private final class Server {
  let folder: String
  private let prefix: String
  private var isRunning = true

  /// Where Debian puts the server's programs; nil when there is no server.
  static let programs: String? = {
    let root = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return versions.sorted().last.map { "\(root)/\($0)/bin" }
      .flatMap { FileManager.default.fileExists(atPath: $0 + "/initdb") ? $0 : nil }
  }()

  /// The server refuses to run as root; as root it runs as `postgres`.
  private static var runner: String { getuid() == 0 ? "runuser -u postgres -- " : "" }

  init() throws {
    let programs = try #require(Self.programs)
    folder = "/tmp/wr-pg-\(UUID().uuidString.prefix(8))"
    prefix = "\(Self.runner)\(programs)"
    try run("mkdir -m 0777 \(folder)")
    try run("\(prefix)/initdb -D \(folder)/data -U wardround -A trust -N")
    let options = "-k \(folder) -c listen_addresses= -c fsync=off"
    try run(
      "\(prefix)/pg_ctl -D \(folder)/data -w -t 60 -l \(folder)/log -o \"\(options)\" start")
  }

  var connection: String { "host=\(folder) user=wardround dbname=postgres" }

  func run(_ command: String, _ input: String = "") throws {
    let process = Process()
    // A server that stays behind must not hold the descriptor by which Foundation waits.
    let closing =
      "for fd in /proc/$BASHPID/fd/*; do fd=${fd##*/}; "
      + "if [ $fd -gt 2 ]; then eval \"exec $fd>&-\"; fi; done 2>/dev/null; "
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", "( \(closing) \(command) ); status=$?; exit $status"]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardInput = pipe
    try process.run()
    try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try pipe.fileHandleForWriting.close()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(command.prefix(60))")
  }

  func sql(_ text: String) throws {
    try run("psql -q -v ON_ERROR_STOP=1 -h \(folder) -U wardround postgres", text)
  }

  func stop() {
    guard isRunning else { return }
    isRunning = false
    try? run("\(prefix)/pg_ctl -D \(folder)/data -m immediate stop")
    try? FileManager.default.removeItem(atPath: folder)
  }
}

/// A server that takes a connection and never says anything.
private final class MuteServer {
  private let listener: Int32
  let port: UInt16

  init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 4) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    try #require(isOpen)
  }

  deinit { close(listener) }
}

@Suite struct PostgresConnectionTests {
  /// Neither a server that never answers nor a connection string without a limit hangs the reading.
  @Test func aMuteServerIsGivenUp() throws {
    let server = try MuteServer()
    let error = #expect(throws: SiteDataError.self) {
      _ = try PostgresDatabase(
        connection: "host=127.0.0.1 port=\(server.port) user=u dbname=d", schema: "cdm",
        name: "OMOP", patience: .init(connectSeconds: 2))
    }
    #expect(error?.code == .database)
    #expect(PostgresDatabase.Patience().connectSeconds <= 60)
  }

  /// The connection string overrides the defaults.
  @Test func theConnectionStringDecides() throws {
    let server = try MuteServer()
    #expect(throws: SiteDataError.self) {
      _ = try PostgresDatabase(
        connection: "host=127.0.0.1 port=\(server.port) user=u dbname=d connect_timeout=2",
        schema: "cdm", name: "OMOP", patience: .init(connectSeconds: 3600))
    }
  }
}

@Suite(.serialized, .enabled(if: Server.programs != nil, "there is no PostgreSQL server here"))
struct PostgresTests {
  private let tables: [String: String] = [
    "person": """
    person_id bigint, gender_concept_id int, year_of_birth int, month_of_birth int,
    day_of_birth int, birth_datetime timestamp
    """,
    "measurement": """
    person_id bigint, measurement_concept_id int, measurement_date date,
    measurement_datetime timestamp, value_as_number double precision, unit_source_value text,
    measurement_source_value text
    """,
    "death": "person_id bigint, death_date date",
  ]

  private func schema(_ name: String) -> String {
    "CREATE SCHEMA \(name); "
      + tables.map { "CREATE TABLE \(name).\($0.key) (\($0.value));" }.joined(separator: " ")
  }

  /// One server for all: starting it is what takes the time.
  @Test func postgreSQL() throws {
    let server = try Server()
    defer { server.stop() }
    try sameEventsAsSQLite(server)
    try pushDown(server)
    if let demo = Self.demo { try demoTable(server, demo) }
    try silentServer(server)
    try lostConnection(server)
  }

  /// A query that gives no row for too long ends with an error, and so does everything after it.
  private func silentServer(_ server: Server) throws {
    let database = try PostgresDatabase(
      connection: server.connection, schema: "cdm", name: "OMOP",
      patience: .init(rowSeconds: 1))
    let cursor = try database.query("SELECT pg_sleep(20)::text")
    let error = #expect(throws: SiteDataError.self) { try cursor.next() }
    #expect(error?.code == .connectionLost)
    #expect(error?.message.contains("1 seconds") == true)
    #expect(throws: SiteDataError.self) { try database.columns(of: "person") }
  }

  private func sameEventsAsSQLite(_ server: Server) throws {
    let rows = """
      INSERT INTO person VALUES (-4406053801395356975, 8532, 1970, 3, 4, NULL);
      INSERT INTO person VALUES (2, 8507, 1980, NULL, NULL, '1980-02-03 00:00:00');
      INSERT INTO measurement VALUES (2, 3016723, '2020-01-01', '2020-01-01 08:00:00', 0.1,
        'mg/dL', 'crea');
      INSERT INTO measurement VALUES (2, 0, '2020-01-02', NULL, 1e-7, 'µg/L', 'c');
      INSERT INTO measurement VALUES (2, 7, '2020-01-02', NULL, 123456.7890123, NULL, 'c');
      INSERT INTO death VALUES (2, '2020-02-01');
      """
    try server.sql(schema("cdm") + "SET search_path TO cdm;" + rows)
    let sqlite = try RecordsFixture.database(
      tables.map { "CREATE TABLE \($0.key) (\($0.value))" }
        + rows.split(separator: ";").map(String.init).filter { !$0.trimmed.isEmpty })
    let source = OMOPSource(.postgresql(connection: server.connection, schema: "cdm"))
    let found = try RecordsFixture.events(source)
    #expect(found.events == (try RecordsFixture.events(OMOPSource(.sqlite(path: sqlite)))).events)
    #expect(found.batch.report.rows == ["person": 2, "measurement": 3, "death": 1])
    #expect(found.events.contains { $0.hasSuffix("= 123456.7890123") })
    let nowhere = OMOPSource(.postgresql(connection: server.connection, schema: "nowhere"))
    #expect(throws: SiteDataError(.database, file: "", message: "", advice: "")) {
      try nowhere.open()
    }
    let evil = OMOPSource(.postgresql(connection: server.connection, schema: "x; DROP TABLE y"))
    #expect(throws: SiteDataError(.database, file: "", message: "", advice: "")) {
      try evil.open()
    }
    let away = OMOPSource(
      .postgresql(connection: "host=\(server.folder)/away user=secret", schema: "cdm"))
    let error = #expect(throws: SiteDataError.self) { try away.open() }
    #expect(error?.description.contains("secret") == false)
  }

  /// The server chooses the records: the same table, byte for byte, with and without, with typed
  /// times and with times as text.
  private func pushDown(_ server: Server) throws {
    for (schema, time, date) in [("typed", "timestamp", "date"), ("untyped", "text", "text")] {
      let statements = PushDownFixture.statements(seed: 5, time: time, date: date)
      try server.sql(
        "CREATE SCHEMA \(schema); SET search_path TO \(schema);\n"
          + statements.map { $0 + ";\n" }.joined())
      let counts = try PushDownFixture.check(
        .postgresql(connection: server.connection, schema: schema), schema)
      #expect(counts.some < counts.all * 4 / 5)
    }
  }

  /// A server that dies in the middle of a table ends the reading with an error.
  private func lostConnection(_ server: Server) throws {
    try server.sql(
      schema("large")
        + """
        INSERT INTO large.measurement SELECT g % 100, 5, '2020-01-01',
          timestamp '2020-01-01' + g * interval '1 minute', g, NULL, NULL
          FROM generate_series(1, 400000) g;
        """)
    let source = OMOPSource(.postgresql(connection: server.connection, schema: "large"))
    var batch = EventBatch()
    var reader = try source.open()
    #expect(try reader.next(&batch))
    #expect(batch.events.count == 8192)
    server.stop()
    let error = #expect(throws: SiteDataError.self) {
      while try reader.next(&batch) {}
    }
    #expect(error?.code == .connectionLost)
  }

  private static let demo = RecordsFixture.data("mimic_iv_demo_omop")

  /// The same patients from PostgreSQL and from SQLite: the same table, byte for byte.
  private func demoTable(_ server: Server, _ folder: String) throws {
    let names = ["person", "visit_occurrence", "condition_occurrence", "drug_exposure", "death"]
    let sqlite = try RecordsFixture.omopDatabase(folder, names)
    for name in names {
      var scanner = try RecordScanner(path: "\(folder)/\(name).csv.gz", delimiter: 44)
      _ = try scanner.next()
      let columns = scanner.texts.map { column in
        let type =
          column.hasSuffix("_id") || column.hasPrefix("year_of")
          ? "bigint"
          : column == "quantity"
            ? "numeric"
            : column.hasSuffix("datetime")
              ? "timestamp" : column.hasSuffix("_date") ? "date" : "text"
        return "\(column) \(type)"
      }
      try server.sql("CREATE TABLE \(name) (\(columns.joined(separator: ", ")))")
      try server.run(
        "gzip -dc \(folder)/\(name).csv.gz | psql -q -h \(server.folder) -U wardround postgres"
          + " -c \"\\copy \(name) FROM pstdin CSV HEADER\"")
    }
    let recipe = RecordsRecipe(
      variables: [
        RecordVariable("birth", codes: [.exact("person:birth")]),
        RecordVariable("discharge", codes: [.exact("visit-end")]),
        RecordVariable("visit", codes: [.exact("visit")]),
        RecordVariable("heart", codes: [.exact("omop:319835")]),
        RecordVariable(
          "drug", codes: [.prefix("omop:4")],
          kind: .number(unit: nil, hardRange: nil, warnRange: nil)),
      ], birth: "birth",
      index: IndexRule(.event(variable: "discharge", condition: nil), .every),
      outcome: RecordOutcome("back", variable: "visit", horizon: 30 * RecordTime.day),
      features: [
        FeatureRequest(Measure("birth", .ever, .yearsSince)),
        FeatureRequest(Measure("heart", .ever, .present)),
        FeatureRequest(Measure("drug", .last(30 * RecordTime.day), .mean)),
        FeatureRequest(Measure("drug", .ever, .slope)),
        FeatureRequest(Measure("drug", .ever, .last)),
      ])
    let one = try FeatureExtraction(recipe, source: OMOPSource(.sqlite(path: sqlite)))
    let other = try FeatureExtraction(
      recipe,
      source: OMOPSource(.postgresql(connection: server.connection, schema: "public")))
    #expect(one.table.rowCount > 500)
    #expect(one.table.csv() == other.table.csv())
    #expect(one.report.rows == other.report.rows)
  }
}

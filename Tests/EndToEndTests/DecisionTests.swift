import Foundation
import GRDB
import Testing

extension EndToEnd {
  /// What a hospital's data steward and IT type, and what they see.
  @Suite struct Decisions {
    /// Three hospitals review and approve by hand, one refuses; the study runs with the three, and
    /// the log of each shows it and can be verified.
    @Test func reviewApproveRefuse() async throws {
      try await TestNetwork.running { network in
        for name in TestNetwork.sites {
          try JoinedNetwork.configure(
            network.site(name),
            policy: TestStudy.policy.replacing("auto_approve: true", with: "auto_approve: false"))
        }
        try await network.startAll()
        _ = try await network.propose()
        for name in TestNetwork.sites { try await proposalArrives(name, network) }

        let review = try await Command.run([
          "site", "review", TestStudy.id, "--directory", network.site("alder"),
        ])
        #expect(review.status == 0, "\(review.error)")
        for words in [
          "A synthetic study", "150 patients at this site",
          "columns used: age, lactate, ward, diabetes, died",
          "masked integers, readable only as a sum over at least 3 hospitals",
          "in clear, signed by this hospital", "model-by-site-matrix (allowed by your policy)",
          "no formal privacy guarantee", "wardround site approve faults",
        ] {
          #expect(review.output.contains(words), "\(words)\n\(review.output)")
        }

        for name in ["alder", "birch", "cedar"] {
          let approved = try await Command.run([
            "site", "approve", TestStudy.id, "--directory", network.site(name), "--by", "A. Ward",
          ])
          #expect(approved.status == 0 && approved.output.contains("approved by A. Ward"))
        }
        let refused = try await Command.run([
          "site", "refuse", TestStudy.id, "--directory", network.site("dogwood"), "--by", "D. Ort",
          "--reason", "no capacity this month",
        ])
        #expect(refused.status == 0, "\(refused.error)")
        let finished = try await network.finishing()
        #expect(finished.participants.allSatisfy { $0 == ["alder", "birch", "cedar"] })
        let page = try String(contentsOfFile: "\(finished.folder)/report.html", encoding: .utf8)
        #expect(page.contains("no capacity this month"))
        try await auditIsChained(network)
      }
    }

    private func proposalArrives(_ name: String, _ network: TestNetwork) async throws {
      try await network.wait("the proposal at \(name)", within: 20) {
        let studies = try await Command.run([
          "site", "studies", "--directory", network.site(name), "--json",
        ])
        return studies.output.contains("\"proposed\"")
      }
    }

    private func auditIsChained(_ network: TestNetwork) async throws {
      let directory = network.site("alder")
      let shown = try await Command.run(["site", "audit", "--directory", directory])
      #expect(shown.output.contains("A. Ward"), "\(shown.output)")
      let whole = try await Command.run(["site", "audit", "--directory", directory, "--verify"])
      #expect(whole.status == 0 && whole.output.contains("is whole"), "\(whole.output)")
      // Somebody with the file in hand rewrites who approved.
      let database = try DatabaseQueue(path: "\(directory)/state/site.sqlite")
      let changed = try await database.write { connection -> Int64? in
        try connection.execute(sql: "DROP TRIGGER audit_is_not_updated")
        try connection.execute(
          sql: "UPDATE audit SET actor = 'nobody' WHERE actor = 'A. Ward'")
        return try Int64.fetchOne(
          connection, sql: "SELECT MIN(sequence) FROM audit WHERE actor = 'nobody'")
      }
      try database.close()
      let entry = try #require(changed)
      let broken = try await Command.run(["site", "audit", "--directory", directory, "--verify"])
      #expect(broken.status == 1)
      #expect(broken.output.contains("NOT whole"))
      #expect(broken.output.contains("entry \(entry)"), "\(entry): \(broken.output)")
    }

    /// Too few approve: the study ends and says who refused and why.
    @Test func tooFewApprove() async throws {
      try await TestNetwork.running { network in
        for name in ["cedar", "dogwood"] {
          try JoinedNetwork.configure(
            network.site(name),
            policy: TestStudy.policy.replacing("sites_in_sum: 3", with: "sites_in_sum: 5"))
        }
        try await network.startAll()
        _ = try await network.propose()
        let ending = try await network.ending()
        #expect(ending.state == "failed")
        #expect(ending.message.contains("2 sites approved and 3 are needed"), "\(ending.message)")
        for name in ["cedar", "dogwood"] { #expect(ending.message.contains(name)) }
        #expect(ending.message.contains("asks for at least 5"), "\(ending.message)")
      }
    }

    /// `site check` names every place and prints no value.
    @Test func checkPrintsNoValue() async throws {
      try await TestNetwork.running { network in
        let directory = network.site("birch")
        var rows = TestStudy.patients(count: 40, seed: 5).split(separator: "\n").map(String.init)
        rows[3] = "quillfeather-77,731.25,2.5,medicine,0,0"
        rows[9] = "quillfeather-78,61,elevenpointnine,medicine,0,0"
        rows[12] = "quillfeather-79,61,2.5,zanzibarward,0,0"
        rows[15] = "quillfeather-80,61,2.5,medicine,perhapsdiabetic,0"
        try Data(rows.joined(separator: "\n").utf8)
          .write(to: URL(fileURLWithPath: "\(directory)/patients.csv"))
        for options in [[], ["--json"]] {
          let check = try await Command.run(["site", "check", "--directory", directory] + options)
          #expect(check.status == 0, "\(check.output)\(check.error)")
          let text = check.output + check.error
          for place in ["patients.csv", "age", "lactate", "diabetes"] {
            #expect(text.contains(place), "\(place)\n\(text)")
          }
          for value in ["quillfeather", "731", "elevenpoint", "zanzibar", "perhaps"] {
            #expect(!text.contains(value), "\(value) was printed\n\(text)")
          }
        }
        let check = try await Command.run(["site", "check", "--directory", directory])
        for row in ["row 3 (line 4)", "9 (line 10)", "15 (line 16)"] {
          #expect(check.output.contains(row), "\(row)\n\(check.output)")
        }
        // A column that is not there is an error.
        rows[0] = "patient,years,lactate,ward,diabetes,died"
        try Data(rows.joined(separator: "\n").utf8)
          .write(to: URL(fileURLWithPath: "\(directory)/patients.csv"))
        let broken = try await Command.run(["site", "check", "--directory", directory])
        #expect(broken.status == 1)
        #expect(broken.output.contains("`age`"), "\(broken.output)")
      }
    }

    /// `site check --study` names a column of persons who stand on both sides of the holdout, in words and in
    /// its object, and no person.
    @Test func personsOnBothSidesAreNamed() async throws {
      struct Checks: Decodable {
        struct Study: Decodable {
          var study: String
          var rows: Int?
          var personsOnBothSides: [String]?
        }
        var study: Study
      }
      try await TestNetwork.running { network in
        let directory = network.site("birch")
        // Neither hospital nor study says which column names the patient.
        let settings = "\(directory)/site.yaml"
        let text = try String(contentsOfFile: settings, encoding: .utf8)
        let changed = text.replacing("  patient_id: patient\n", with: "")
          .replacing(
            "    - {name: patient, type: text}\n",
            with: "    - {name: patient, type: text}\n    - {name: record, type: text}\n")
        #expect(changed.contains("name: record") && !changed.contains("patient_id"))
        try Data(changed.utf8).write(to: URL(fileURLWithPath: settings))
        let study = "\(network.folder)/visits.yaml"
        let plan = TestStudy.text.replacing(
          "  patient: patient\n", with: "  rows_per_patient: all\n")
        #expect(plan != TestStudy.text)
        try Data(plan.utf8).write(to: URL(fileURLWithPath: study))
        let rows = TestStudy.patients(count: 200, seed: 6).split(separator: "\n")
        for (rowsPerPerson, found) in [(1, 0), (2, 1)] {
          let table = rows.enumerated().map { index, row in
            index == 0 ? "\(row),record" : "\(row),quillfeather-\(index / rowsPerPerson)"
          }
          try Data(table.joined(separator: "\n").utf8)
            .write(to: URL(fileURLWithPath: "\(directory)/patients.csv"))
          let command = ["site", "check", "--directory", directory, "--study", study]
          let check = try await Command.run(command)
          #expect(check.status == 0, "\(check.output)\(check.error)")
          #expect(
            check.output.contains("record looks like persons") == (found == 1), "\(check.output)")
          #expect(check.output.contains("Leak scan\n  nothing") == (found == 0), "\(check.output)")
          let json = try await Command.run(command + ["--json"])
          #expect(json.status == 0, "\(json.error)")
          let object = try JSONDecoder().decode(Checks.self, from: Data(json.output.utf8)).study
          #expect(object.study == TestStudy.id && object.rows == 200)
          #expect(object.personsOnBothSides?.count == found, "\(json.output)")
          #expect(!(check.output + check.error + json.output + json.error).contains("quillfeather"))
        }
      }
    }
  }
}
